import { CfnCondition, CfnParameter, type CfnParameterProps, Fn } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/** A parameter called just that, so that it can be named on a command line. */
export function parameter(scope: Construct, name: string, props: CfnParameterProps): CfnParameter {
  const made = new CfnParameter(scope, name, props);
  made.overrideLogicalId(name);
  return made;
}

/** Holds unless the parameter has the value that turns its resource off. */
export function unless(parameter: CfnParameter, off: string): CfnCondition {
  const condition = new CfnCondition(parameter, 'given', {
    expression: Fn.conditionNot(Fn.conditionEquals(Fn.ref(parameter.logicalId), off)),
  });
  condition.overrideLogicalId(`${parameter.node.id}Given`);
  return condition;
}
