//! State, transactions, roots and proofs of the ledger: a pure transition function.
