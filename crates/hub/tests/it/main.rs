//! Files from a server that breaks off, is busy or changes its mind.

#![cfg(test)]

mod address;
mod bucket;
