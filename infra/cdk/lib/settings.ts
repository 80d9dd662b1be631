import type { Node } from 'constructs';

/** What `-c name=value` can say at synthesis. Amounts and addresses that change without a new template are parameters. */
export interface Settings {
  readonly stage: string;
  /** Bot folders that the functions carry. */
  readonly bots: readonly string[];
  /** The folder of <function>/bootstrap; `none` puts placeholders in their place, for checks of the template. */
  readonly assets: string;
  /** The folder of the bots' compiled workflows, <name>.asl.json. */
  readonly workflows: string;
  /** Whose runs the schedules of workflows start. */
  readonly tenants: readonly string[];
  /** `true`: the table is encrypted with a key of its own ($1 a month). */
  readonly kms: boolean;
  /** Bedrock model ids that turn-run may call with its role, like `anthropic.claude-*`. */
  readonly bedrock?: string;
  /** Where the carriers' APIs are, when not where they usually are. */
  readonly carriers: Record<string, string>;
}

export function readSettings(node: Node): Settings {
  const text = (name: string): string | undefined => node.tryGetContext(name);
  const stage = text('stage') ?? 'dev';
  if (!/^[a-z][a-z0-9-]{0,19}$/.test(stage)) {
    throw new Error(`stage '${stage}': use up to 20 lower-case letters, digits and dashes, a letter first`);
  }
  const bases = { TWILIO_API_BASE: text('twilioApiBase'), WHATSAPP_API_BASE: text('whatsappApiBase') };
  return {
    stage,
    bots: (text('bots') ?? '../../examples/support').split(','),
    assets: text('assets') ?? '../../target/lambda',
    workflows: text('workflows') ?? '../../target/workflows',
    tenants: (text('tenants') ?? '').split(',').filter((tenant) => tenant),
    kms: text('kms') === 'true',
    bedrock: text('bedrock'),
    carriers: Object.fromEntries(Object.entries(bases).filter((base): base is [string, string] => !!base[1])),
  };
}

/** Only `dev` is thrown away with its stack. */
export const isKept = ({ stage }: Settings): boolean => stage !== 'dev';
