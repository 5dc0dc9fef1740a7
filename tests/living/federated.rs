//! A run over several providers at once, from a plan.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use crate::azure::recorded_rows;
use crate::binary::{SESSION, faaslens, text, unpacked};
use crate::fakes::{CloudLogging, CloudWatch, events};
use crate::google::Entries;
use crate::log_analytics::LogAnalytics;
use crate::server::{Faults, Server};
use crate::tables::{manifest, tables};

const RUN: &str = "tests/data/runs/webservice-2";

#[test]
fn a_federated_run_comes_from_three_providers_and_two_files_as_from_its_folder() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(RUN);
    let aws = unpacked(&format!("{RUN}/aws.log.zst"), "federated-aws.log");
    let moto = crate::python::Server::start("moto", "cloudwatch.py", &["eu-central-1", "/aws/lambda/", text(&aws)]);
    let recorded = Entries::recorded(&format!("{RUN}/google.log.zst"), "federated-google.log");
    let google = Server::start(Arc::new(recorded), Faults::default());
    let azure = Server::start(Arc::new(LogAnalytics::new(recorded_rows(), 1_000)), Faults::default());
    let mut plan = String::from("run: shop\nlabels: {repetition: 2}\n");
    let deployment = std::fs::read_to_string(root.join("deployment_id.txt")).expect("the deployment");
    writeln!(
        plan,
        "defaults: {{since: 2026-11-22T06:00:00Z, until: 2026-11-22T08:00:00Z, rate: 1000, deployment: {}}}",
        deployment.trim()
    )
    .expect("written");
    writeln!(plan, "experiment: {}/experiment.json\nfiles:", root.display()).expect("written");
    for stem in ["artillery", "tinyfaas", "openfaas"] {
        writeln!(plan, "  {stem}: {}/{stem}.log.zst", root.display()).expect("written");
    }
    write!(plan, "sources:\n  - {{source: aws, region: eu-central-1}}\n  - {{source: google, project: p}}\n")
        .expect("written");
    writeln!(plan, "  - source: azure\n    workspace: w\n    endpoint: {}", azure.url()).expect("written");
    let file = SESSION.path().join("plan.yml");
    std::fs::write(&file, plan).expect("written");
    let store = SESSION.path().join("federated");
    faaslens(&["collect", "befaas", text(&root), "--store", text(&store), "--run", "folder"], &[], 0);
    let (google, azure) = (google.url(), azure.url());
    let variables = [
        ("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", moto.url()),
        ("AWS_ACCESS_KEY_ID", "testing"),
        ("AWS_SECRET_ACCESS_KEY", "PLANTED"),
        ("CLOUDSDK_API_ENDPOINT_OVERRIDES_LOGGING", google.as_str()),
        ("CLOUDSDK_AUTH_ACCESS_TOKEN", "PLANTED"),
        ("AZURE_AUTHORITY_HOST", azure.as_str()),
        ("AZURE_TENANT_ID", "t"),
        ("AZURE_CLIENT_ID", "c"),
        ("AZURE_CLIENT_SECRET", "PLANTED"),
    ];
    let dry = faaslens(&["collect", "plan", text(&file), "--store", text(&store), "--dry-run"], &variables, 0);
    let dry = String::from_utf8_lossy(&dry.stdout).into_owned();
    assert!(dry.contains("aws [") && dry.contains("google [") && dry.contains("w/FunctionAppLogs"), "{dry}");
    faaslens(&["collect", "plan", text(&file), "--store", text(&store)], &variables, 0);
    tables(&store, "shop").assert_same(&tables(&store, "folder"));
    let (pulled, folder) = (manifest(&store, "shop"), manifest(&store, "folder"));
    assert_eq!(pulled.pulled.iter().map(|pulled| &*pulled.source).collect::<Vec<_>>(), ["aws", "google", "azure"]);
    assert_eq!((&pulled.config, &pulled.deployment_id), (&folder.config, &folder.deployment_id));
    assert_eq!(pulled.labels.get("repetition").map(String::as_str), Some("2"));
    // The trees of a federated run are whole only with every provider's records.
    for run in ["shop", "folder"] {
        faaslens(&["analyze", "--store", text(&store), "--run", run], &[], 0);
    }
    let traces = |run: &str| {
        let printed = faaslens(&["table", "traces", "--store", text(&store), "--run", run, "--format", "csv"], &[], 0);
        String::from_utf8_lossy(&printed.stdout).replace(run, "")
    };
    assert_eq!(traces("shop"), traces("folder"));
}

#[test]
fn a_federated_run_that_one_provider_refuses_goes_on_where_it_stopped() {
    let google = Server::start(Arc::new(CloudLogging(events(300))), Faults::default());
    let broken = Faults { seed: 1, percent: 100, ..Faults::default() };
    let aws = Server::start(Arc::new(CloudWatch(events(300))), broken);
    let file = SESSION.path().join("stopped.toml");
    let plan = "run = 'stopped'\n[defaults]\nsince = '2026-11-22T07:00:00Z'\nuntil = '2026-11-22T08:00:00Z'\nrate = 10000\nretry_for = '500ms'\n\
                [[sources]]\nsource = 'google'\nproject = 'p'\n[[sources]]\nsource = 'aws'\n";
    std::fs::write(&file, plan).expect("written");
    let store = SESSION.path().join("stopped");
    let (google_url, aws_url) = (google.url(), aws.url());
    let variables = [
        ("AWS_ENDPOINT_URL", aws_url.as_str()),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "PLANTED"),
        ("CLOUDSDK_API_ENDPOINT_OVERRIDES_LOGGING", google_url.as_str()),
        ("CLOUDSDK_AUTH_ACCESS_TOKEN", "PLANTED"),
    ];
    let args = ["collect", "plan", text(&file), "--store", text(&store)];
    let failed = faaslens(&args, &variables, 3);
    let said = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert!(said.contains("error:") && !said.contains("PLANTED"), "{said}");
    let asked = google.times().len();
    aws.calm_down();
    faaslens(&args, &variables, 0);
    // What Google gave is kept.
    assert_eq!(google.times().len(), asked);
    let pulled: Vec<u64> = manifest(&store, "stopped").pulled.iter().map(|pulled| pulled.events).collect();
    assert_eq!(pulled, [300, 300]);
}
