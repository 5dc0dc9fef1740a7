//! What faaslens writes, against tools that others wrote: exports, figures, notebooks.
//!
//! `scripts/tools/python` installs them, pinned, on first use and outside of the checkout.

mod exports;
mod figures;
mod notebooks;
mod session;
