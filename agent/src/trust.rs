//! Whom the agent trusts: the authority it enrolled with, whatever the date.
