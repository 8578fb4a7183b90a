//! The incentive mathematics of the market, deterministic to the bit.
