//! Programs and parsers of other people: what ours say must mean the same to them.
#![allow(clippy::indexing_slicing)]

mod coils;
mod foreign;
mod mandate;
mod metrics;
mod modbus;
mod parquet;
pub(crate) mod peers;
mod proof;
mod relink;
mod tls;
pub(crate) mod verifier;
mod wiring;

use tidewaiter_tests::process::pass;

#[test]
fn mosquitto_tls() {
    pass(tls::mutual());
}

#[test]
fn mosquitto_to_mosquitto_at_a_reload() {
    pass(relink::from_plain_to_tls());
}

#[test]
fn mbpoll_reads_the_drum() {
    pass(modbus::mbpoll());
}

#[test]
fn python_verifier_agrees() {
    pass(verifier::python());
}

#[test]
fn python_checks_proofs_of_the_log() {
    pass(proof::proofs());
}

#[test]
fn python_client_of_orders_agrees() {
    pass(mandate::python());
}

#[test]
fn other_libraries_read_the_vectors() {
    pass(foreign::vectors());
}

#[test]
fn other_libraries_read_all_that_a_world_seals() {
    pass(foreign::world());
}

#[test]
fn python_verifier_agrees_on_the_negatives() {
    pass(foreign::negatives());
}

#[test]
fn register_profile_is_tried_on_its_vectors() {
    pass(peers::register_profile());
}

#[test]
fn line_profiles_are_tried_on_their_vectors() {
    pass(peers::line_profile());
}

#[test]
fn profile_with_a_wrong_vector_is_refused() {
    pass(peers::wrong_vector());
}

#[test]
fn pymodbus_server_is_read_on_tcp() {
    pass(peers::server_on_tcp());
}

#[test]
fn pymodbus_server_is_read_on_a_serial_line() {
    pass(peers::server_on_a_serial_line());
}

#[test]
fn pymodbus_server_is_read_behind_a_serial_server() {
    pass(peers::server_behind_a_serial_server());
}

#[test]
fn pymodbus_client_reads_the_simulator() {
    pass(peers::client());
}

#[test]
fn pymodbus_server_is_written_on_tcp() {
    pass(coils::written("tcp"));
}

#[test]
fn pymodbus_server_is_written_on_a_serial_line() {
    pass(coils::written("rtu"));
}

#[test]
fn pymodbus_server_is_written_on_a_line_that_echoes() {
    pass(coils::written("rtu-echo"));
}

#[test]
fn duckdb_reads_the_tables_of_all_kinds() {
    pass(parquet::vectors());
}

#[test]
fn duckdb_reads_the_tables_of_a_world() {
    pass(parquet::world());
}

#[test]
fn prometheus_reads_the_figures() {
    pass(metrics::parsed());
}

#[test]
fn prometheus_reads_the_figures_of_the_centre() {
    pass(metrics::centre());
}

#[test]
fn wiring_tools_name_what_the_simulator_speaks() {
    pass(wiring::simulated_ports());
}

#[test]
fn wiring_tools_find_nothing_where_nothing_is() {
    pass(wiring::nothing_there());
}

#[test]
fn mbpoll_and_probe_read_a_serial_modbus_unit() {
    pass(wiring::serial_modbus());
}
