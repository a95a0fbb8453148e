//! The rules of the till, told as stories: a recorded screen, a scripted server, a journal on a real disk.

mod adjust;
mod ages;
mod approval;
mod ask_refund;
mod card;
mod cash;
mod day;
mod drawer;
mod duty;
mod evidence;
mod faults;
mod goods;
mod held;
mod interruptions;
mod keeping;
mod kiosk;
mod left_parts;
mod limits;
mod orders;
mod part_drawer;
mod parts;
mod payments;
mod pictures;
mod random;
mod receipt_template;
mod refunds;
mod restart;
mod rig;
mod sales;
mod scanners;
mod serials;
mod shifts;
mod showing;
mod training;
mod tried;

pub(crate) use rig::{identity, products};
