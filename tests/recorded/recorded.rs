//! The recorded runs, collected and analysed once a test session.

use std::path::{Path, PathBuf};
use std::sync::{LazyLock, OnceLock};

use faaslens_schemas::manifest::Manifest;
use faaslens_schemas::store::Store;
use faaslens_schemas::table::Row;

use crate::binary::{analyze, collect};

/// A recorded run and the store that holds it.
#[derive(Debug)]
pub(crate) struct Recorded {
    /// Run id, and the first part of the names of its golden files.
    pub(crate) name: &'static str,
    folder: &'static str,
    store: OnceLock<PathBuf>,
}

const fn recorded(name: &'static str, folder: &'static str) -> Recorded {
    Recorded { name, folder, store: OnceLock::new() }
}

pub(crate) static WEBSERVICE_1: Recorded = recorded("webservice-1", "examples/befaas-webservice");
pub(crate) static WEBSERVICE_2: Recorded = recorded("webservice-2", "tests/data/runs/webservice-2");
pub(crate) static SMART_FACTORY: Recorded = recorded("smartFactory", "tests/data/runs/smartFactory");
pub(crate) static IOT: Recorded = recorded("iot", "tests/data/runs/iot");
pub(crate) static STREAMING: Recorded = recorded("streaming", "tests/data/runs/streaming");

/// Every undamaged recorded run.
pub(crate) static ALL: [&Recorded; 5] = [&WEBSERVICE_1, &WEBSERVICE_2, &SMART_FACTORY, &IOT, &STREAMING];

/// Functions of the published division of the web shop's time.
pub(crate) const PUBLISHED_SET: &str = "addcartitem,cartkvstorage";

/// Folder of this test session.
pub(crate) fn session() -> &'static Path {
    &SESSION
}

/// Emptied when the session begins.
static SESSION: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("recorded");
    drop(std::fs::remove_dir_all(&folder));
    std::fs::create_dir_all(&folder).expect("the temporary folder can be made");
    folder
});

/// A file or folder of the project.
pub(crate) fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

impl Recorded {
    /// The folder of its logs.
    pub(crate) fn folder(&self) -> PathBuf {
        project(self.folder)
    }

    /// Its store: collected and analysed on first use.
    pub(crate) fn store(&self) -> &Path {
        self.store.get_or_init(|| {
            let store = session().join(self.name);
            collect(&self.folder(), &store, self.name, &[]).exits(0);
            analyze(&store, &["--functions", PUBLISHED_SET]).exits(0);
            store
        })
    }

    /// Its manifest.
    pub(crate) fn manifest(&self) -> Manifest {
        manifest(self.store(), self.name)
    }

    /// The rows of one of its tables.
    pub(crate) fn rows<R: Row>(&self) -> Vec<R> {
        rows(self.store(), self.name)
    }
}

/// The manifest of a run of a store.
pub(crate) fn manifest(store: &Path, run: &str) -> Manifest {
    Store::open(store).expect("the store opens").manifest(run).expect("the run is there")
}

/// The rows of a table of a run of a store.
pub(crate) fn rows<R: Row>(store: &Path, run: &str) -> Vec<R> {
    let store = Store::open(store).expect("the store opens");
    let manifest = store.manifest(run).expect("the run is there");
    store.rows(&manifest, None).expect("the table can be read")
}
