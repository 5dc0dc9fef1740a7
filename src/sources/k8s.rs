//! `faaslens collect k8s`: pods of a Kubernetes or K3s cluster.

use std::path::PathBuf;

use clap::Args;
use faaslens_collect::living::Source;
use faaslens_collect::sources::k8s;

use super::pulling::{Living, Pulling};

/// What this source reads.
pub(super) const DESCRIPTION: &str = k8s::DESCRIPTION;

const EXAMPLES: &str = "\
Examples:
  faaslens collect k8s --provider openfaas --namespace openfaas-fn --since 1h --store store
  faaslens collect k8s --context edge --selector app=shop --since 1h --store store --dry-run

docs/sources/k8s.md: permissions, costs, what can go wrong.";

/// Arguments of the source.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Kubeconfig; by default those of `KUBECONFIG`, `~/.kube/config`, or the service account of a pod.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig; the current one when not given.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// Namespace; that of the context, or `default`, when not given.
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,
    /// Pods of all namespaces.
    #[arg(long, conflicts_with = "namespace")]
    all_namespaces: bool,
    /// Label selector of the pods: those of functions (OpenFaaS, Knative) when not given, all pods when empty.
    #[arg(long, value_name = "SELECTOR")]
    selector: Option<String>,
    /// Pods of this function (OpenFaaS, Knative); may be given several times.
    #[arg(long = "function", value_name = "NAME", conflicts_with = "selector")]
    functions: Vec<String>,
    /// Only containers of this name.
    #[arg(long, value_name = "NAME")]
    container: Option<String>,
    /// Provider of the records: openfaas reads the watchdog's lines.
    #[arg(long, value_name = "NAME", default_value = "kubernetes")]
    provider: String,
    #[command(flatten)]
    pulling: Pulling,
}

impl Living for Arguments {
    fn pulling(&self) -> &Pulling {
        &self.pulling
    }

    fn source(&self) -> anyhow::Result<Box<dyn Source>> {
        let selection = k8s::Selection {
            namespace: self.namespace.clone(),
            all_namespaces: self.all_namespaces,
            selector: self.selector.clone(),
            functions: self.functions.clone(),
            container: self.container.clone(),
        };
        let (file, context) = (self.kubeconfig.as_deref(), self.context.as_deref());
        Ok(Box::new(k8s::K8s::new(file, context, selection, &self.provider, self.pulling.plain_http())?))
    }
}
