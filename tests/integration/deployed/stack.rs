//! The synthesised template, deployed unchanged, with the functions of this build.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::Client;
use crate::ministack::MiniStack;
use crate::process::binary;

use super::toll::Toll;
use super::workflows::compile;

/// The key of the tenant `acme`.
pub(super) const KEY: &str = "an-operator-of-acme-0123456789abcdef";
const ADMIN: &str = "an-admin-of-acme-0123456789abcdef";

/// A stage on an emulator of AWS.
pub(super) struct Stack {
    pub(super) ministack: MiniStack,
    outputs: HashMap<String, String>,
    _files: TempDir,
}

impl Stack {
    /// Deploys the functions with `bots` and the carriers' APIs at `carriers`. `None`, loudly, on a machine
    /// that cannot.
    pub(super) async fn deploy(
        bots: &[&Path],
        carriers: &str,
        secrets: &str,
        toll: &Toll,
    ) -> Option<Self> {
        if std::env::var("CONFAB_SKIP_DEPLOYED").is_ok_and(|skip| skip == "1") {
            eprintln!("\n*** SKIPPED: CONFAB_SKIP_DEPLOYED=1, the template was not deployed ***\n");
            return None;
        }
        let ministack = MiniStack::start_guarded(toll.port)?;
        toll.ahead.send_replace(ministack.port());
        let files = TempDir::new().unwrap();
        let assembly = files.path().join("assembly");
        let assets = files.path().join("lambda");
        stage(&assets);
        let workflows = files.path().join("workflows");
        fs::create_dir(&workflows).unwrap();
        bots.iter().for_each(|bot| compile(bot, &workflows));
        synthesise(&assembly, &[&assets, &workflows], bots, carriers);
        let deploy = root().join("tests/integration/deploy.py");
        let outputs = output(
            Command::new(root().join("scripts/venv"))
                .arg("python")
                .arg(deploy)
                .arg(&assembly)
                .args(["--endpoint", &ministack.url()])
                // What no emulator has.
                .args(["TraceRate=0", "BudgetUsd=0"]),
        );
        let outputs = serde_json::from_str(&outputs).unwrap();
        let stack = Self {
            ministack,
            outputs,
            _files: files,
        };
        let keys = format!(
            "format = 1\n[[keys]]\nkey = \"{KEY}\"\ntenant = \"acme\"\nperson = \"dana\"\nrole = \"operator\"\n\
             [[keys]]\nkey = \"{ADMIN}\"\ntenant = \"acme\"\nperson = \"kim\"\nrole = \"admin\"\n"
        );
        stack.put_secret("AccessSecret", &keys);
        stack.put_secret("SecretsSecret", secrets);
        Some(stack)
    }

    /// What the stack calls `name`.
    pub(super) fn output(&self, name: &str) -> &str {
        &self.outputs[name]
    }

    /// An operator of the tenant `acme`.
    pub(super) fn client(&self, bot: &str) -> Client {
        let host = self.output("HttpUrl").split_once("://").unwrap().1;
        Client {
            port: self.ministack.port(),
            host: Some(host.to_owned()),
            key: Some(KEY.to_owned()),
            bot: format!("/v1/acme/{bot}"),
        }
    }

    /// An administrator of the same tenant.
    pub(super) fn admin(&self, bot: &str) -> Client {
        Client {
            key: Some(ADMIN.to_owned()),
            ..self.client(bot)
        }
    }

    /// Kills every process that runs a function, by its folder's name; gives how many.
    pub(super) fn kill(&self, function: &str) -> usize {
        self.ministack
            .kill_function(&format!("confab-dev-{function}"))
    }

    /// Sends an event to a function, by its folder's name, and gives what it answers.
    pub(super) fn invoke(&self, function: &str, payload: &Value) -> Value {
        const INVOKE: &str = "import boto3, sys\n\
            functions = boto3.client('lambda', region_name='us-east-1', endpoint_url=sys.argv[1],\n\
            \x20   aws_access_key_id='test', aws_secret_access_key='test')\n\
            print(functions.invoke(FunctionName=sys.argv[2], Payload=sys.argv[3])['Payload'].read().decode())";
        let answer = output(
            Command::new(root().join("scripts/venv"))
                .args(["python", "-c", INVOKE, &self.ministack.url()])
                .arg(format!("confab-dev-{function}"))
                .arg(payload.to_string()),
        );
        serde_json::from_str(&answer).unwrap()
    }

    /// Has a function do what it does on a schedule. It may fail.
    pub(super) fn try_invoke(&self, function: &str) -> std::io::Result<Value> {
        let path = format!("/2015-03-31/functions/confab-dev-{function}/invocations");
        self.ministack.try_lambda("POST", &path, &json!({}))
    }

    fn put_secret(&self, output: &str, text: &str) {
        let input = json!({"SecretId": self.output(output), "SecretString": text});
        let target = "secretsmanager.PutSecretValue";
        let (status, answer) = self.ministack.call("secretsmanager", target, &input);
        assert_eq!(status, 200, "{answer}");
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Puts the functions of this build, without their symbols, where the stack looks for its code.
fn stage(assets: &Path) {
    for function in fs::read_dir(root().join("functions")).unwrap() {
        let name = function.unwrap().file_name();
        let folder = assets.join(&name);
        fs::create_dir_all(&folder).unwrap();
        let built = binary(&name.to_string_lossy());
        output(
            Command::new("strip")
                .arg("-o")
                .arg(folder.join("bootstrap"))
                .arg(built),
        );
    }
}

fn synthesise(assembly: &Path, [assets, workflows]: &[&Path; 2], bots: &[&Path], carriers: &str) {
    let bots: Vec<String> = bots.iter().map(|bot| bot.display().to_string()).collect();
    let context = [
        format!("assets={}", assets.display()),
        format!("bots={}", bots.join(",")),
        format!("workflows={}", workflows.display()),
        format!("twilioApiBase={carriers}"),
        format!("whatsappApiBase={carriers}"),
        "stage=dev".to_owned(),
    ];
    let mut synth = Command::new(root().join("scripts/npx"));
    synth
        .args(["cdk", "synth", "--quiet", "--output"])
        .arg(assembly);
    for setting in context {
        synth.args(["--context", &setting]);
    }
    output(&mut synth);
}

/// What a command prints.
fn output(command: &mut Command) -> String {
    let ran = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let errors = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{command:?}: {errors}");
    String::from_utf8(ran.stdout).unwrap()
}
