//! The migrations and seeds are embedded as text: a change of their folders rebuilds this crate.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations");
    println!("cargo::rerun-if-changed=../../seeds");
}
