//! Clocks of different providers: what synchronous calls say about their offsets, and how to align them.
//!
//! The callee of a synchronous call runs inside the call. On two clocks, the offset to be added to the callee's lies
//! between `caller_start - callee_start` and `caller_end - callee_end`; asynchronous calls say nothing of the kind.
//!
//! 1. [`Evidence`] keeps the bounds of all calls from one provider to another that can matter: two convex hulls.
//! 2. [`lines`](self) takes the offset as a straight line of time. Bounds at one instant are the least and the greatest
//!    value there of any line between the two hulls (A. Duda, G. Harrus, Y. Haddad, G. Bernard, "Estimating global time
//!    in distributed systems", 1987; S. B. Moon, P. Skelly, D. Towsley, "Estimation and removal of clock skew from network
//!    delay measurements", 1999): a linear programme in two variables, solved by eliminating one (Fourier, 1827).
//! 3. [`Offsets`] closes the bounds over the graph of providers, so that two of them are compared through a third, and
//!    finds the shifts that [`Choice`] asks for.
//!
//! Bounds are hard, up to the origins' own uncertainty, as long as two clocks drift apart at a constant rate. Between two
//! instants of one table of bounds, a straight line between its values is a bound as well. The midpoint is an estimate:
//! it is right where request and response take equally long, and off by up to one one-way delay where they do not.

mod align;
mod closure;
mod evidence;
mod lines;
mod offsets;

pub use align::{Align, Choice, Shift};
pub use evidence::Evidence;
pub(crate) use evidence::SyncCall;
pub use offsets::Offsets;
