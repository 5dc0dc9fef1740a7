//! One virtual user: goes through its scenario, request by request.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use http::header::{COOKIE, LOCATION, SET_COOKIE};
use serde_json::Value;

use super::Tracing;
use super::capture::Found;
use super::cookies::Cookies;
use super::exchange::{Answer, Kept, Traffic, exchange};
use super::failure::Failure;
use super::message::{Builder, Message, insert};
use super::recorder::Recorder;
use super::redirect::redirect;
use super::shared::Shared;
use super::transaction::Sum;
use super::worker::Worker;
use crate::measure::class::Class;
use crate::measure::record::Record;
use crate::profile::{Hook, Http, Over, Request, Step, Style, Think, Variables};
use crate::random::Random;
use crate::schedule::Arrival;

/// Redirections followed at most.
const MAX_REDIRECTS: u8 = 10;

/// Rounds without a response after which a user gives the others a turn.
const IDLE_ROUNDS: u32 = 100;

/// Whether a user goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Going {
    /// With the next step.
    On,
    /// No further in this round: a request failed.
    Failed,
    /// No further at all: the load is over.
    Over,
}

/// One virtual user.
pub(crate) struct User {
    pub(crate) worker: Rc<Worker>,
    pub(crate) arrival: Arrival,
    pub(crate) name: String,
    pub(crate) variables: Variables,
    pub(crate) random: Random,
    /// Where ids of requests come from.
    id_source: Random,
    pub(crate) cookies: Cookies,
    pub(crate) kept: Rc<RefCell<Kept>>,
    /// When the next request is due.
    pub(crate) due: Option<Instant>,
    /// From when on lateness is the generator's own fault.
    pub(crate) released: Option<Instant>,
    /// After which no request is begun.
    pub(crate) deadline: Option<Instant>,
    /// Ids of the scenario, where they are per scenario.
    pub(crate) ids: Option<(String, String)>,
    sums: Vec<Sum>,
    idle_rounds: u32,
    /// Whether the user's own progress decides when requests are due.
    pub(crate) paced: bool,
    /// Whether all requests and captures succeeded.
    pub(crate) succeeded: bool,
}

/// Variables, random numbers and connections of a user that has just come.
impl User {
    pub(crate) fn new(worker: &Rc<Worker>, arrival: Arrival, name: String) -> Self {
        let shared = &worker.shared;
        let profile = &shared.profile;
        let mut random = Random::stream(shared.options.seed.rotate_left(32), arrival.number);
        let base = shared.variables.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let mut variables = Variables::new(base);
        for payload in &profile.payloads {
            payload.fill(&mut variables, &mut random);
        }
        for (name, values) in &profile.pools {
            if let Some(value) = values.get(random.below(values.len())) {
                variables.set(name, value.clone());
            }
        }
        let kept = if profile.http.pooled { Rc::clone(&worker.kept) } else { Rc::default() };
        Self {
            worker: Rc::clone(worker),
            arrival,
            name,
            variables,
            random,
            id_source: Random::stream(shared.options.id_seed, arrival.number),
            cookies: Cookies::default(),
            kept,
            due: None,
            released: None,
            deadline: None,
            ids: None,
            sums: Vec::new(),
            idle_rounds: 0,
            paced: true,
            succeeded: true,
        }
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.worker.shared
    }

    fn over(&self) -> bool {
        self.shared().stopping() || self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Goes through steps in order.
    pub(crate) async fn flow(&mut self, steps: &[Step]) -> Going {
        for step in steps {
            if self.over() {
                return Going::Over;
            }
            let going = match step {
                Step::Request(request) => self.request(request).await,
                Step::Log(template) => {
                    let line = template.render(&self.variables, &mut self.random).into_owned();
                    self.shared().options.log.line(&line);
                    Going::On
                }
                Step::Think(think) => {
                    let wait = self.think(think);
                    self.wait(wait).await
                }
                Step::Loop(inner) => self.repeat(inner).await,
                Step::Transaction { site, flow } => self.transaction(*site, flow).await,
            };
            if going != Going::On {
                return going;
            }
        }
        Going::On
    }

    async fn transaction(&mut self, site: u16, flow: &[Step]) -> Going {
        self.sums.push(Sum::new(site));
        let going = Box::pin(self.flow(flow)).await;
        if let Some(sum) = self.sums.pop() {
            let sent = self.shared().clock.wall(sum.started);
            self.worker.push(&sum.record(self.blank(sum.site), sent));
        }
        going
    }

    fn think(&mut self, think: &Think) -> Duration {
        match think {
            Think::Between(low, high) => {
                let width = high.saturating_sub(*low).as_secs_f64();
                *low + Duration::from_secs_f64(width * self.random.unit())
            }
            Think::Exponential(mean) => mean.mul_f64(-(1.0 - self.random.unit()).ln()),
            Think::Variable(template) => {
                let text = template.render(&self.variables, &mut self.random);
                crate::profile::seconds(&text).unwrap_or_default()
            }
        }
    }

    /// Waits; ends the user where the wait goes beyond its deadline.
    async fn wait(&mut self, wait: Duration) -> Going {
        let until = Instant::now() + wait;
        if self.deadline.is_some_and(|deadline| until > deadline) {
            // As JMeter: a pause that ends after the load is not begun.
            return Going::Over;
        }
        tokio::time::sleep_until(until.into()).await;
        self.due = Some(until);
        self.released = None;
        Going::On
    }

    async fn repeat(&mut self, inner: &crate::profile::Loop) -> Going {
        let values: Option<Arc<Vec<Value>>> = match &inner.over {
            Over::Variable(name) => match self.variables.get(name) {
                Some(Value::Array(values)) => Some(Arc::new(values.clone())),
                _ => return Going::On,
            },
            Over::Values(values) => Some(Arc::clone(values)),
            Over::Count(..) => None,
        };
        let (from, to) = match (&inner.over, &values) {
            (Over::Count(from, to), _) => (*from, *to),
            (_, Some(values)) => (0, i64::try_from(values.len()).ok()),
            (_, None) => (0, Some(0)),
        };
        let mut round = from;
        while to.is_none_or(|to| round < to) {
            let element = match &values {
                Some(values) => usize::try_from(round).ok().and_then(|i| values.get(i)).cloned(),
                None => Some(Value::from(round)),
            };
            self.variables.set(&inner.counter, Value::from(round));
            self.variables.set(&inner.element, element.unwrap_or(Value::Null));
            let going = Box::pin(self.flow(&inner.flow)).await;
            if going != Going::On {
                return going;
            }
            round += 1;
            self.give_a_turn().await;
        }
        Going::On
    }

    /// Lets other users run where a loop waits for nothing.
    pub(crate) async fn give_a_turn(&mut self) {
        self.idle_rounds += 1;
        if self.idle_rounds > IDLE_ROUNDS {
            self.idle_rounds = 0;
            tokio::task::yield_now().await;
        }
    }

    async fn request(&mut self, request: &Request) -> Going {
        if !request.pause.is_zero() && self.wait(request.pause).await != Going::On {
            return Going::Over;
        }
        if self.shared().requests.fetch_add(1, Ordering::Relaxed) >= self.shared().manners.max_requests {
            self.shared().stop_because("the number of requests reached --max-requests");
            return Going::Over;
        }
        let shared = Arc::clone(self.shared());
        let http = request.http.as_deref().unwrap_or(&shared.profile.http);
        let mut recorder = Recorder::begin(&self.worker, self.blank(request.site));
        let result = self.send(&shared, request, http, &mut recorder).await;
        let ended = recorder.traffic.ended.unwrap_or_else(Instant::now);
        if recorder.traffic.ended.is_some() {
            self.idle_rounds = 0;
        }
        let going = self.conclude(http, result, &mut recorder);
        recorder.finish(ended, &mut self.sums);
        if self.paced {
            self.due = Some(ended);
            self.released = None;
        } else {
            self.due = None;
        }
        going
    }

    /// The record of a request, or of a transaction, before anything is known of it.
    fn blank(&self, site: u16) -> Record {
        let shared = self.shared();
        let now = Instant::now();
        let due = self.due;
        let own = due.map(|due| now.saturating_duration_since(self.released.map_or(due, |released| released.max(due))));
        Record {
            site,
            phase: u16::try_from(self.arrival.phase).unwrap_or(u16::MAX),
            user: self.arrival.number,
            thread: self.name.clone(),
            scheduled: due.map(|due| shared.clock.wall(due)),
            sent: shared.clock.wall(now),
            late: own,
            corrected: None,
            resolved: None,
            connected: None,
            secured: None,
            first_byte: None,
            elapsed: Duration::ZERO,
            idle: Duration::ZERO,
            status: None,
            class: Class::Interrupted,
            reused: false,
            retries: 0,
            redirects: 0,
            bytes_received: 0,
            bytes_sent: 0,
            threads: shared.active.load(Ordering::Relaxed),
            group_threads: shared.gates.get(self.arrival.phase).map_or(0, |gate| gate.active.load(Ordering::Relaxed)),
            url: String::new(),
            context: String::new(),
            pair: String::new(),
            message: String::new(),
        }
    }

    async fn send(
        &mut self,
        shared: &Arc<Shared>,
        request: &Request,
        http: &Http,
        recorder: &mut Recorder,
    ) -> Result<(), Failure> {
        let mut message = Builder {
            profile: &shared.profile,
            http,
            targets: &self.worker.targets,
            variables: &self.variables,
            random: &mut self.random,
            start: shared.start,
            pictures: &shared.options.pictures,
        }
        .build(request)?;
        recorder.record.url.clone_from(&message.target.shown);
        self.trace(request, &mut message, &mut recorder.record)?;
        recorder.due = self.due;
        recorder.sent = Instant::now();
        let keep_body = !(request.captures.is_empty() && request.assertions.is_empty());
        let answer = self.follow(shared, request, http, message, keep_body, &mut recorder.traffic).await?;
        let class = Class::of_status(answer.status);
        recorder.record.class = class;
        recorder.record.message = phrase(&answer);
        if keep_body {
            let ended = recorder.traffic.ended.unwrap_or_else(Instant::now);
            let elapsed = ended.saturating_duration_since(recorder.sent);
            let mut found = Found::new(&answer);
            found.capture(&request.captures, &mut self.variables, &mut self.random)?;
            found.check(&request.assertions, elapsed, &mut self.random)?;
        }
        Ok(())
    }

    /// Adds the ids that let the request join its call tree.
    fn trace(&mut self, request: &Request, message: &mut Message, record: &mut Record) -> Result<(), Failure> {
        let hooked = request.before.iter().any(|hook| *hook != Hook::AfterResponse);
        match self.shared().options.tracing {
            Tracing::None => return Ok(()),
            Tracing::Hooks if !hooked => return Ok(()),
            Tracing::W3c => {
                let (trace, span) = (self.id_source.hexadecimal(32), self.id_source.hexadecimal(16));
                insert(&mut message.headers, "traceparent", &format!("00-{trace}-{span}-01"))?;
                (record.context, record.pair) = (trace, span);
                return Ok(());
            }
            Tracing::Request | Tracing::Scenario | Tracing::Hooks => {}
        }
        if self.shared().options.tracing == Tracing::Scenario {
            let random = &mut self.id_source;
            let ids = self.ids.get_or_insert_with(|| (random.identifier(), String::new()));
            record.context.clone_from(&ids.0);
        } else {
            record.context = self.id_source.identifier();
        }
        record.pair = format!("{}-{}", record.context, self.id_source.identifier());
        insert(&mut message.headers, "x-context", &record.context)?;
        insert(&mut message.headers, "x-pair", &record.pair)
    }

    /// Sends a message and what it is redirected to.
    async fn follow(
        &mut self,
        shared: &Arc<Shared>,
        request: &Request,
        http: &Http,
        mut message: Message,
        keep_body: bool,
        traffic: &mut Traffic,
    ) -> Result<Answer, Failure> {
        loop {
            let target = Rc::clone(&message.target);
            let (host, path) = (target.host_name(), target.uri.path());
            if !message.headers.contains_key(COOKIE)
                && let Some(cookie) = self.cookies.header(host, path, target.uri.scheme_str() == Some("https"))
            {
                insert(&mut message.headers, "cookie", &cookie)?;
            }
            let answer = exchange(shared, &self.kept, http, &message, keep_body, traffic).await?;
            for cookie in answer.headers.get_all(SET_COOKIE) {
                self.cookies.store(&String::from_utf8_lossy(cookie.as_bytes()), host, path);
            }
            let location = answer.headers.get(LOCATION).filter(|_| (300..400).contains(&answer.status));
            let Some(location) = location.filter(|_| request.follow_redirects) else { return Ok(answer) };
            if traffic.redirects >= MAX_REDIRECTS {
                return Err(Failure::new(Class::TooManyRedirects, format!("more than {MAX_REDIRECTS} redirections")));
            }
            traffic.redirects += 1;
            let location = String::from_utf8_lossy(location.as_bytes()).into_owned();
            redirect(shared, http.style, &mut message, answer.status, &location)?;
            if http.style == Style::JMeter {
                traffic.redirected_to = Some(message.target.shown.clone());
            }
        }
    }

    /// Completes the record; tells whether the user goes on.
    fn conclude(&mut self, http: &Http, result: Result<(), Failure>, recorder: &mut Recorder) -> Going {
        let record = &mut recorder.record;
        let Err(failure) = result else { return Going::On };
        record.class = failure.class;
        record.message = failure.message;
        self.succeeded = false;
        // JMeter's threads go on after an error, Artillery's users end.
        if http.style == Style::JMeter { Going::On } else { Going::Failed }
    }
}

fn phrase(answer: &Answer) -> String {
    if let Some(phrase) = &answer.phrase {
        return String::from_utf8_lossy(phrase.as_bytes()).into_owned();
    }
    let status = http::StatusCode::from_u16(answer.status).ok();
    status.and_then(|status| status.canonical_reason()).unwrap_or_default().to_owned()
}
