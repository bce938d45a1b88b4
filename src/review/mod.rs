//! The page where staff read, fix and approve. Serves it, and holds nothing that the command line has not: every change
//! is a file or a decision that `run` and `approve` know too.
//!
//! ```text
//! day       what goes on: reads clips, renders what may go out, tells of both        (library calls of pipeline)
//! work      what a day does by itself: the inbox, reading, rounds of renders
//! lanes     the threads that do it, for one day or for those of many practices in turns
//! roster    many practices: opens the day of each, and says how they stand
//! view      from a clip as it would be made to what the page shows; cards likewise   (pure)
//! told      everybody who has the page open
//! contract  what page and day say to each other
//! pages     HTML from what the day says                  assets    scripts and styles inside the program
//! doors     where connections arrive: this computer, and the network where the practice wants that
//! key       what lets a person in: token, passphrase, cookie
//! guard     who may ask: Host, Origin, cookie            limits    how much and how often
//! server    connections, and an orderly end              sign_in   the way in
//! house     one day or those of many practices, and what stands before the addresses of each
//! routes    addresses to calls of the day                events    what happens, told to every page
//! ranges    which bytes of a file are asked for          files     files of the day, sent
//! answers   what goes back, and what is on every answer
//! ```

mod answers;
pub mod assets;
pub mod cards;
pub mod contract;
pub mod day;
mod doors;
mod events;
mod files;
mod guard;
mod house;
mod key;
mod lanes;
pub mod limits;
pub mod pages;
mod ranges;
pub mod roster;
mod routes;
mod server;
mod sign_in;
pub mod told;
pub mod view;
mod work;

pub use doors::{Door, address, local, network};
pub use house::House;
pub use key::{Keeper, Key, Secret, passphrase};
pub use server::{Options, serve};
