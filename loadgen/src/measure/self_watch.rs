//! The generator watches itself: processor time, sockets, files.

use std::time::Instant;

/// Clock ticks a second in `/proc`: 100 on every Linux of today.
const TICKS_PER_S: f64 = 100.0;

/// Readings of the processor's time, from one sample to the next.
#[derive(Debug)]
pub(crate) struct SelfWatch {
    own_ticks: Option<u64>,
    machine: Option<(u64, u64)>,
    at: Instant,
}

/// Use of the processor since the sample before; `None` where the system does not say.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Usage {
    /// Cores that this process used.
    pub(crate) own_cores: Option<f64>,
    /// Share of the whole machine that was busy, 0 to 1.
    pub(crate) machine_busy: Option<f64>,
    /// Memory in use, in MB.
    pub(crate) resident_mb: Option<f64>,
}

impl SelfWatch {
    pub(crate) fn new() -> Self {
        Self { own_ticks: own_ticks(), machine: machine_ticks(), at: Instant::now() }
    }

    pub(crate) fn sample(&mut self) -> Usage {
        let next = Self::new();
        let seconds = next.at.duration_since(self.at).as_secs_f64().max(0.001);
        let own_cores = next.own_ticks.zip(self.own_ticks);
        let own_cores = own_cores.map(|(now, before)| now.saturating_sub(before) as f64 / TICKS_PER_S / seconds);
        let machine_busy = next.machine.zip(self.machine).and_then(|((busy, all), (busy_before, all_before))| {
            let all = all.saturating_sub(all_before);
            (all > 0).then(|| busy.saturating_sub(busy_before) as f64 / all as f64)
        });
        *self = next;
        Usage { own_cores, machine_busy, resident_mb: resident_mb() }
    }
}

/// User and system time of this process.
fn own_ticks() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name in parentheses may hold spaces.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
}

/// Busy and all time of the machine's cores.
fn machine_ticks() -> Option<(u64, u64)> {
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    let times: Vec<u64> = stat.lines().next()?.split_whitespace().skip(1).filter_map(|t| t.parse().ok()).collect();
    let all: u64 = times.iter().take(8).sum();
    let idle = times.get(3)? + times.get(4)?;
    Some((all - idle, all))
}

/// Memory in use.
fn resident_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes / 1000.0)
}

/// Sockets that this process has open.
pub(crate) fn open_sockets() -> Option<u64> {
    let files = std::fs::read_dir("/proc/self/fd").ok()?;
    let is_socket = |entry: std::io::Result<std::fs::DirEntry>| {
        let target = std::fs::read_link(entry.ok()?.path()).ok()?;
        Some(target.to_string_lossy().starts_with("socket:"))
    };
    Some(files.filter_map(is_socket).filter(|socket| *socket).count() as u64)
}
