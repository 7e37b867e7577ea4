//! Records, evidence and locks: what runs leave behind for each other in refs of flota's own.
//!
//! Each kind is a file here, and stands on the others: [`shared_ref`] names a ref here and at the remote, [`remote`] fetches and pushes
//! it by compare-and-swap, [`local`] does the same in this clone, [`object`] writes what it points to, [`attempts`] does both, and tries
//! again when others were quicker. No branch or tag of the user's is read or moved.
//!
//! | kind | ref below the prefix | when two write at once |
//! |---|---|---|
//! | [`success`] | `success/<branch or environment>` | the later one goes on from what the earlier one wrote |
//! | [`evidence`] | `evidence`, one for all | both stay; of two pieces about the same, the newer one |

pub mod attempts;
pub mod evidence;
mod local;
mod object;
pub mod remote;
pub mod shared_ref;
pub mod success;

#[cfg(test)]
mod tests;
