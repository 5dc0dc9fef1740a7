//! Statistics: the one quantile, the one box.
