//! Registering against real databases and a real server: many people at once, a guard taken out, and a plain model.

mod control;
mod crowd;
mod door;
mod model;
mod rounds;
mod rush;
