//! The model of a peer on Burn: encoder, gate, join, student, scores, one training step.
