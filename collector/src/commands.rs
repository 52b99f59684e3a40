//! What an operator types besides `run`.
