//! Requests of the load generator, joined from the lines that it logs before and after each.

use faaslens_schemas::tables::ClientRequest;
use faaslens_schemas::time::Timestamp;

use super::InputFile;
use super::executors::Clocks;
use super::part::ClientMoment;

/// Joins the load generator's moments to requests: the n-th sending of a pair to its n-th answer.
pub(super) fn client_requests(moments: &[ClientMoment], files: &[InputFile], clocks: &Clocks) -> Vec<ClientRequest> {
    let mut moments: Vec<&ClientMoment> = moments.iter().collect();
    moments.sort_by(|a, b| {
        let key = |m: &ClientMoment| (m.answered, m.now_ms);
        let pair = (&a.context_id, &a.pair_id).cmp(&(&b.context_id, &b.pair_id));
        let ((a_answered, a_now), (b_answered, b_now)) = (key(a), key(b));
        pair.then(a_answered.cmp(&b_answered)).then(a_now.total_cmp(&b_now))
    });
    let mut requests = Vec::new();
    for pair in moments.chunk_by(|a, b| (&a.context_id, &a.pair_id) == (&b.context_id, &b.pair_id)) {
        let (sent, answered) = pair.split_at(pair.partition_point(|moment| !moment.answered));
        for n in 0..sent.len().max(answered.len()) {
            requests.extend(client_request(sent.get(n).copied(), answered.get(n).copied(), files, clocks));
        }
    }
    let mut order: Vec<usize> = (0..requests.len()).collect();
    order.sort_by(|&a, &b| {
        let (a, b): (&ClientRequest, &ClientRequest) = (&requests[a], &requests[b]);
        (a.sent_at, &a.context_id, &a.pair_id, a.offset).cmp(&(b.sent_at, &b.context_id, &b.pair_id, b.offset))
    });
    order.into_iter().map(|request| std::mem::take(&mut requests[request])).collect()
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

/// A request from its sending and its answer; one of them may be missing.
fn client_request(
    sent: Option<&ClientMoment>,
    answered: Option<&ClientMoment>,
    files: &[InputFile],
    clocks: &Clocks,
) -> Option<ClientRequest> {
    let known = sent.or(answered)?;
    let error = match (sent, answered) {
        (Some(_), Some(_)) => None,
        (Some(_), None) => Some("no answer logged".to_owned()),
        (None, _) => Some("no sending logged".to_owned()),
    };
    Some(ClientRequest {
        generator: "artillery".into(),
        sent_at: known.instant(clocks),
        elapsed_ms: sent.zip(answered).map(|(sent, answered)| answered.now_ms - sent.now_ms),
        url: known.url.clone(),
        context_id: Some(known.context_id.clone()),
        pair_id: known.pair_id.clone(),
        error,
        kind: "request".into(),
        source: files[known.file].name.as_str().into(),
        offset: known.offset.cast_signed(),
        ..ClientRequest::default()
    })
}
