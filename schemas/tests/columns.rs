//! Rows given column by column are the rows that are read back, whatever the lengths of pages, row groups and pieces.

use faaslens_schemas::Result;
use faaslens_schemas::dictionary::Dictionary;
use faaslens_schemas::manifest::Manifest;
use faaslens_schemas::store::{Cells, Store, TableFile, Texts};
use faaslens_schemas::table::{Label, Row, Stage};
use faaslens_schemas::tables::Event;
use faaslens_schemas::time::Timestamp;
use parquet::file::reader::{FileReader, SerializedFileReader};
use proptest::prelude::*;

/// A row made of small numbers: fields repeat, and every optional one is absent now and then.
fn event(seed: [u8; 4]) -> Event {
    let [a, b, c, d] = seed.map(i64::from);
    let label = |n: i64| Label::from(format!("label-{n}"));
    let some = |n: i64| (n % 3 != 0).then_some(n);
    Event {
        provider: "aws".into(),
        function: label(a % 5),
        executor: label(b),
        deployment_id: some(a).map(|_| label(1)),
        logged_at: Timestamp::from_millis(1_795_330_947_309 + a * 7 + b * 1000),
        now_ms: (c * 1000 + d) as f64 / 8.0,
        kind: KINDS[usize::from(seed[2]) % 3].into(),
        op: some(d).map(|_| "db".into()),
        target: some(b).map(label),
        context_id: some(c).map(|n| format!("ctx{n}")),
        pair_id: some(a + b).map(|n| format!("ctx-{n}")),
        callee_pair_id: some(a * b).map(|n| format!("callee-{n}")),
        start_ms: some(a + c).map(|n| n as f64 / 3.0),
        duration_ms: some(c + d).map(|n| n as f64 * 1e-3),
        method: some(d + 1).map(|_| "POST".into()),
        url: some(b + d).map(|n| format!("/product/{n}?x=ü")),
        user_agent: None,
        headers: some(a + d).map(|n| format!(r#"{{"content-length":"{n}"}}"#)),
        source: "aws.log".into(),
        offset: a * 1_000_003 + b,
    }
}

const KINDS: [&str; 3] = ["start", "end", "measure"];

/// Columns of some rows as a collector holds them.
struct Columns {
    dictionaries: Vec<Dictionary>,
    keys: Vec<Vec<u32>>,
    kinds: (Vec<u8>, Dictionary),
    operations: (Vec<u8>, Dictionary),
    numbers: [Vec<f64>; 3],
    integers: [Vec<i64>; 2],
    headers: Texts,
}

impl Columns {
    fn of(rows: &[Event]) -> Self {
        let texts: [fn(&Event) -> Option<&str>; 10] = [
            |row| Some(&row.function),
            |row| Some(&row.executor),
            |row| row.deployment_id.as_deref(),
            |row| row.target.as_deref(),
            |row| row.context_id.as_deref(),
            |row| row.pair_id.as_deref(),
            |row| row.callee_pair_id.as_deref(),
            |row| row.method.as_deref(),
            |row| row.url.as_deref(),
            |row| row.user_agent.as_deref(),
        ];
        let (mut dictionaries, mut keys) = (Vec::new(), Vec::new());
        for text in texts {
            let mut dictionary = Dictionary::default();
            keys.push(rows.iter().map(|row| dictionary.intern_optional(text(row))).collect());
            dictionaries.push(dictionary);
        }
        let mut headers = Texts::default();
        for row in rows {
            headers.push(row.headers.as_deref());
        }
        let number = |number: Option<f64>| number.unwrap_or(f64::NAN);
        let place = |names: &[&str], name: &str| (0..).zip(names).find(|(_, known)| **known == name).expect("known").0;
        Self {
            dictionaries,
            keys,
            kinds: (rows.iter().map(|row| place(&KINDS, &row.kind)).collect(), KINDS.into_iter().collect()),
            operations: (
                rows.iter().map(|row| if row.op.is_some() { 0 } else { u8::MAX }).collect(),
                ["db"].into_iter().collect(),
            ),
            numbers: [
                rows.iter().map(|row| row.now_ms).collect(),
                rows.iter().map(|row| number(row.start_ms)).collect(),
                rows.iter().map(|row| number(row.duration_ms)).collect(),
            ],
            integers: [
                rows.iter().map(|row| row.logged_at.micros()).collect(),
                rows.iter().map(|row| row.offset).collect(),
            ],
            headers,
        }
    }

    fn append_to(&self, file: &mut TableFile) -> Result<()> {
        let text = |column: usize| Cells::Keyed(&self.keys[column], &self.dictionaries[column]);
        let cells = [
            Cells::Same("aws"),
            text(0),
            text(1),
            text(2),
            Cells::Integers(&self.integers[0]),
            Cells::Numbers(&self.numbers[0]),
            Cells::Named(&self.kinds.0, &self.kinds.1),
            Cells::Named(&self.operations.0, &self.operations.1),
            text(3),
            text(4),
            text(5),
            text(6),
            Cells::Numbers(&self.numbers[1]),
            Cells::Numbers(&self.numbers[2]),
            text(7),
            text(8),
            text(9),
            Cells::Texts(self.headers.rows(0..self.headers.len())),
            Cells::Same("aws.log"),
            Cells::Integers(&self.integers[1]),
        ];
        file.append(self.headers.len(), &cells)
    }
}

/// Writes rows in pieces of some length; gives what is read back, and the row groups of the file.
fn round_trip(rows: &[Event], piece: usize) -> Result<(Vec<Event>, usize)> {
    let folder = tempfile::tempdir().expect("temporary folder");
    let store = Store::create(folder.path().join("store"))?;
    let transaction = store.begin("r1", Stage::Collect, 1)?;
    let mut file = transaction.file(Event::TABLE, 1)?;
    for rows in rows.chunks(piece) {
        Columns::of(rows).append_to(&mut file)?;
    }
    let mut manifest = Manifest::new("r1", 1);
    manifest.files.push(file.finish()?);
    let manifest = transaction.commit(manifest)?;
    let file = std::fs::File::open(store.root().join(&manifest.files[0].path)).expect("the file");
    let groups = SerializedFileReader::new(file).expect("parquet").num_row_groups();
    Ok((store.rows(&manifest, None)?, groups))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn rows_given_by_columns_are_read_back(seeds in prop::collection::vec(any::<[u8; 4]>(), 1..5000), piece in 1_usize..3000) {
        let rows: Vec<Event> = seeds.into_iter().map(event).collect();
        prop_assert_eq!(round_trip(&rows, piece.max(20)).expect("a store"), (rows, 1));
    }
}

#[test]
fn rows_of_several_row_groups_are_read_back() -> Result<()> {
    let rows: Vec<Event> = (0_u32..70_000).map(|n| event(n.wrapping_mul(0x9e37_79b9).to_le_bytes())).collect();
    assert_eq!(round_trip(&rows, 1777)?, (rows, 3));
    Ok(())
}

/// Three million letters that compression finds nothing in.
fn noise(seed: u32) -> String {
    let mixed = |n: u32| (n ^ n >> 15).wrapping_mul(0x85eb_ca6b);
    (seed..seed + 3_000_000).map(|n| char::from(33 + (mixed(n.wrapping_mul(0x9e37_79b9)) >> 24) as u8 % 90)).collect()
}

#[test]
fn row_groups_of_long_texts_end_early() -> Result<()> {
    let rows: Vec<Event> = (0..12).map(|n| Event { headers: Some(noise(n << 24)), ..event([1, 2, 3, 4]) }).collect();
    let (read, groups) = round_trip(&rows, 1)?;
    assert!(read == rows, "long texts are read back");
    assert!(groups > 1, "36 MB of texts in {groups} row group");
    Ok(())
}

#[test]
fn a_value_that_may_not_be_absent_is_refused_by_column() {
    let mut columns = Columns::of(&[event([1, 2, 3, 4])]);
    columns.keys[0][0] = faaslens_schemas::dictionary::NONE;
    let folder = tempfile::tempdir().expect("temporary folder");
    let store = Store::create(folder.path().join("store")).expect("a store");
    let transaction = store.begin("r1", Stage::Collect, 1).expect("a transaction");
    let mut file = transaction.file(Event::TABLE, 1).expect("a file");
    let error = columns.append_to(&mut file).expect_err("no function");
    let reason = std::error::Error::source(&error).expect("a reason").to_string();
    assert!(reason.contains("column function: a value is missing"), "{reason}");
}
