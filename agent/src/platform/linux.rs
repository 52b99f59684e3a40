//! Linux: `/proc`, `/sys` and system calls.
