//! Distribution functions that tests and intervals need.
//!
//! Error and gamma functions come from `libm`, which gives the same bits on every platform.

use std::f64::consts::{PI, SQRT_2};

/// Probability that a standard normal variable is at most `z`.
pub(super) fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z / SQRT_2)
}

/// Probability that a standard normal variable is further from 0 than `z`.
pub(super) fn normal_two_sided(z: f64) -> f64 {
    libm::erfc(z.abs() / SQRT_2)
}

/// Quantile of the standard normal distribution; infinite at 0 and 1.
///
/// The rational start of Abramowitz & Stegun (1964), 26.2.23, then Halley steps, which triple the correct digits.
pub(super) fn normal_quantile(p: f64) -> f64 {
    if p <= 0.0 || p >= 1.0 {
        return if p <= 0.0 { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    let tail = p.min(1.0 - p);
    let t = (-2.0 * tail.ln()).sqrt();
    let below = (0.010_328 * t + 0.802_853) * t + 2.515_517;
    let above = ((0.001_308 * t + 0.189_269) * t + 1.432_788) * t + 1.0;
    let mut z = below / above - t;
    for _ in 0..3 {
        let step = (normal_cdf(z) - tail) * (2.0 * PI).sqrt() * (0.5 * z * z).exp();
        z -= step / (1.0 + 0.5 * z * step);
    }
    if p < 0.5 { z } else { -z }
}

/// Probability that a Student variable of `freedom` degrees (any positive number) is at most `t`.
pub(crate) fn student_cdf(t: f64, freedom: f64) -> f64 {
    let tail = 0.5 * beta_share(freedom / (freedom + t * t), 0.5 * freedom, 0.5);
    if t < 0.0 { tail } else { 1.0 - tail }
}

/// Quantile of Student's distribution of `freedom` degrees, for `p` in 0.5..1; the normal one from a million degrees on.
pub(crate) fn student_quantile(p: f64, freedom: f64) -> f64 {
    if freedom >= 1e6 {
        return normal_quantile(p);
    }
    let (mut low, mut high) = (0.0, 2.0);
    while student_cdf(high, freedom) < p && high < 1e12 {
        (low, high) = (high, high * 2.0);
    }
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if student_cdf(middle, freedom) < p {
            low = middle;
        } else {
            high = middle;
        }
        if high - low <= 1e-14 * high {
            break;
        }
    }
    f64::midpoint(low, high)
}

/// Regularised incomplete beta function `I_x(a, b)` by Lentz's continued fraction (Press et al. 2007, section 6.4).
#[expect(clippy::many_single_char_names, reason = "the letters of the formula")]
fn beta_share(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return if x <= 0.0 { 0.0 } else { 1.0 };
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta_share(1.0 - x, b, a);
    }
    let ln_front = libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b) + a * x.ln() + b * (-x).ln_1p();
    let tiny = 1e-300;
    let guard = |value: f64| if value.abs() < tiny { tiny } else { value };
    let (mut c, mut d) = (1.0, 1.0 / guard(1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = d;
    for step in 1..2000 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for term in [even, odd] {
            d = 1.0 / guard(1.0 + term * d);
            c = guard(1.0 + term / c);
            change = c * d;
            fraction *= change;
        }
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    ln_front.exp() * fraction / a
}

/// Probability of exactly `k` successes in `n` trials of probability `p`, by Loader, "Fast and Accurate Computation of
/// Binomial Probabilities" (2000): correct to a few units in the last place for any `n`.
pub(super) fn binomial_mass(k: usize, n: usize, p: f64) -> f64 {
    if k > n {
        return 0.0;
    }
    let (n, k) = (n as f64, k as f64);
    if p <= 0.0 || k == 0.0 {
        return if k == 0.0 { (n * (-p.clamp(0.0, 1.0)).ln_1p()).exp() } else { 0.0 };
    }
    if p >= 1.0 || k >= n {
        return if k >= n { (n * p.min(1.0).ln()).exp() } else { 0.0 };
    }
    let rest = stirling_error(n) - stirling_error(k) - stirling_error(n - k);
    let distance = deviance(k, n * p) + deviance(n - k, n * (1.0 - p));
    (rest - distance).exp() * (n / (2.0 * PI * k * (n - k))).sqrt()
}

/// `ln(n!)` less Stirling's approximation, for whole `n` above 0.
fn stirling_error(n: f64) -> f64 {
    if n < 16.0 {
        return libm::lgamma(n + 1.0) - (n + 0.5) * n.ln() + n - 0.5 * (2.0 * PI).ln();
    }
    let square = n * n;
    (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - (1.0 / 1680.0 - 1.0 / (1188.0 * square)) / square) / square) / square)
        / n
}

/// `x ln(x / mean) + mean - x` without the cancellation near `x = mean`.
fn deviance(x: f64, mean: f64) -> f64 {
    if (x - mean).abs() >= 0.1 * (x + mean) {
        return x * (x / mean).ln() + mean - x;
    }
    let v = (x - mean) / (x + mean);
    let (mut sum, mut term) = ((x - mean) * v, 2.0 * x * v);
    for order in 1..1000 {
        term *= v * v;
        let next = sum + term / f64::from(2 * order + 1);
        if next.to_bits() == sum.to_bits() {
            break;
        }
        sum = next;
    }
    sum
}

/// Probability of `k` or more successes in `n` trials of probability `p`.
pub(super) fn binomial_from(k: usize, n: usize, p: f64) -> f64 {
    if k == 0 {
        return 1.0;
    }
    let odds = p / (1.0 - p);
    if k as f64 > n as f64 * p {
        let ratio = |j: usize| (n - j) as f64 / (j + 1) as f64 * odds;
        return falling_sum(binomial_mass(k, n, p), (k..n).map(ratio)).min(1.0);
    }
    let ratio = |j: usize| j as f64 / (n - j + 1) as f64 / odds;
    1.0 - falling_sum(binomial_mass(k - 1, n, p), (1..k).rev().map(ratio)).min(1.0)
}

/// `first (1 + r1 + r1 r2 + …)` for ratios below 1, to the last digit.
fn falling_sum(first: f64, ratios: impl Iterator<Item = f64>) -> f64 {
    let (mut term, mut sum) = (first, first);
    for ratio in ratios {
        term *= ratio;
        sum += term;
        if term <= 1e-17 * sum {
            break;
        }
    }
    sum
}

/// Probability that Kolmogorov's limit variable is `x` or more: `2 sum (-1)^(k-1) exp(-2 k^2 x^2)` (Kolmogorov 1933), and for small
/// `x` its complement by Jacobi's theta transformation, where that sum converges slowly.
pub(super) fn kolmogorov_from(x: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    if x < 1.0 {
        let power = |k: i32| (-f64::from((2 * k - 1).pow(2)) * PI * PI / (8.0 * x * x)).exp();
        return 1.0 - (2.0 * PI).sqrt() / x * (1..8).map(power).sum::<f64>();
    }
    let term = |k: i32| if k % 2 == 0 { -1.0 } else { 1.0 } * (-2.0 * f64::from(k * k) * x * x).exp();
    2.0 * (1..8).map(term).sum::<f64>()
}
