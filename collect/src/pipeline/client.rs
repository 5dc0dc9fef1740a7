//! Requests of the load generator, joined from the lines that it logs before and after each.

use faaslens_schemas::table::Label;
use faaslens_schemas::tables::ClientRequest;
use faaslens_schemas::time::Timestamp;

use super::InputFile;
use super::executors::Clocks;
use super::part::ClientMoment;

/// A request: its sending and its answer, one of which may be missing.
struct Exchange<'a> {
    sent: Option<&'a ClientMoment>,
    answered: Option<&'a ClientMoment>,
    /// The first of the two that there is, and when it was.
    known: &'a ClientMoment,
    at: Timestamp,
}

/// Joins the load generator's moments to requests, in order of sending: the n-th sending of a pair to its n-th answer.
pub(super) fn client_requests(
    moments: &[ClientMoment],
    files: &[InputFile],
    clocks: &Clocks,
) -> impl Iterator<Item = ClientRequest> {
    let mut moments: Vec<&ClientMoment> = moments.iter().collect();
    moments.sort_by(|a, b| {
        let key = |m: &ClientMoment| (m.answered, m.now_ms);
        let pair = (&a.context_id, &a.pair_id).cmp(&(&b.context_id, &b.pair_id));
        let ((a_answered, a_now), (b_answered, b_now)) = (key(a), key(b));
        pair.then(a_answered.cmp(&b_answered)).then(a_now.total_cmp(&b_now))
    });
    let mut exchanges = Vec::with_capacity(moments.len() / 2 + 1);
    for pair in moments.chunk_by(|a, b| (&a.context_id, &a.pair_id) == (&b.context_id, &b.pair_id)) {
        let (sent, answered) = pair.split_at(pair.partition_point(|moment| !moment.answered));
        for n in 0..sent.len().max(answered.len()) {
            let (sent, answered) = (sent.get(n).copied(), answered.get(n).copied());
            exchanges.extend(sent.or(answered).map(|known| Exchange {
                sent,
                answered,
                known,
                at: known.instant(clocks),
            }));
        }
    }
    let place = |e: &Exchange<'_>| e.known.offset.cast_signed();
    exchanges.sort_by(|a, b| {
        let ids = (&a.known.context_id, &a.known.pair_id).cmp(&(&b.known.context_id, &b.known.pair_id));
        a.at.cmp(&b.at).then(ids).then_with(|| place(a).cmp(&place(b)))
    });
    let sources: Vec<Label> = files.iter().map(|file| file.name.as_str().into()).collect();
    exchanges.into_iter().map(move |exchange| client_request(&exchange, &sources))
}

/// A line of the load generator further than this from its own log stamp is not on the executor's clock: several
/// generators may log under one key.
const FOREIGN_MS: f64 = 100.0;

impl ClientMoment {
    /// When it was logged: to a microsecond by the executor's clock, else to a millisecond by the log stamp.
    fn instant(&self, clocks: &Clocks) -> Timestamp {
        let logged = Timestamp::from_millis(self.logged_at_ms);
        let fitted = clocks.get(&self.executor).map(|clock| clock.wall(self.now_ms));
        fitted.filter(|at| at.ms_since(logged).abs() <= FOREIGN_MS).unwrap_or(logged)
    }
}

/// The row of a request; `sources` are the names of the files.
fn client_request(exchange: &Exchange<'_>, sources: &[Label]) -> ClientRequest {
    let Exchange { sent, answered, known, at } = *exchange;
    let error = match (sent, answered) {
        (Some(_), Some(_)) => None,
        (Some(_), None) => Some("no answer logged".to_owned()),
        (None, _) => Some("no sending logged".to_owned()),
    };
    ClientRequest {
        generator: Label::fixed("artillery"),
        sent_at: at,
        elapsed_ms: sent.zip(answered).map(|(sent, answered)| answered.now_ms - sent.now_ms),
        url: known.url.clone(),
        context_id: Some(known.context_id.clone()),
        pair_id: known.pair_id.clone(),
        error,
        kind: Label::fixed("request"),
        source: sources[known.file].clone(),
        offset: known.offset.cast_signed(),
        ..ClientRequest::default()
    }
}
