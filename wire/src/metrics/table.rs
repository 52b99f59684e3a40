//! The rows, in the order of exposition.

use super::Kind::{Counter, Gauge, Histogram, Info, StateSet};
use super::Source::{Agent, Collector, Software};
use super::Unit::{Bytes, BytesPerSecond, Celsius, Dbm, None, Ratio, Seconds};
use super::{Kind, Metric, Source, Unit};
use crate::device::DeviceState;

const fn row(
    source: Source,
    kind: Kind,
    unit: Unit,
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> Metric {
    Metric { name, help, unit, kind, labels, source, place: 0 }
}

/// Around what matters to a call: 30 ms is jitter one hears, 150 ms the one-way comfort of
/// ITU-T G.114, 300 ms the limit; below them the steps that show a line getting worse.
const RTT: &[f64] =
    &[0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0];

/// From a cached answer to a request that people notice.
const REQUEST: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];

const VERDICTS: &[&str] = &["excused", "not_ready", "unknown", "degraded", "ready"];

const SITE: &[&str] = &["site"];
const PROBE: &[&str] = &["site", "probe"];
const PROBE_KIND: &[&str] = &["site", "probe", "kind"];
const DEVICE: &[&str] = &["site", "device"];
const PROBE_DEVICE: &[&str] = &["site", "probe", "device"];

/// Tells each row its place.
const fn numbered<const N: usize>(mut rows: [Metric; N]) -> [Metric; N] {
    let mut place = 0;
    while place < N {
        rows[place].place = place;
        place += 1;
    }
    rows
}

/// Every metric there is. Two lines a row, so that the table can be read as one.
#[rustfmt::skip]
pub const TABLE: &[Metric] = &numbered([
    // Sites: always present for every expected site.
    row(Collector, Info, None, "bridge_info", &["site", "name", "area", "level", "uplink"],
        "What the inventory says of the site."),
    row(Collector, Gauge, None, "bridge_expected", SITE,
        "Whether the inventory expects the site (1) or it only reports (0)."),
    row(Collector, Gauge, None, "bridge_up", SITE,
        "Whether a report of the site arrived within its time to live."),
    row(Collector, Gauge, Seconds, "bridge_last_seen_timestamp_seconds", SITE,
        "When the last report of the site arrived; absent if there never was one."),
    // What is judged of the sites, their meetings and what they have in common.
    row(Collector, StateSet(VERDICTS), None, "bridge_ready_state", &["site", "state"],
        "The verdict over all that is needed of the site."),
    row(Collector, Gauge, None, "bridge_ready_reason", &["site", "capability", "reason"],
        "What stands between the site and its verdict (1); absent of a site that is simply ready."),
    row(Collector, StateSet(VERDICTS), None, "bridge_capability_state", &["site", "capability", "state"],
        "The verdict over one capability of the site, needed or not."),
    row(Collector, Gauge, Seconds, "bridge_evidence_timestamp_seconds", &["site", "capability"],
        "When the latest evidence of the capability was taken; absent if there never was any."),
    row(Collector, Info, None, "bridge_meeting_info", &["meeting", "title"],
        "A meeting that is not over and starts within 24 hours."),
    row(Collector, Gauge, Seconds, "bridge_meeting_start_timestamp_seconds", &["meeting"],
        "When the meeting starts."),
    row(Collector, Gauge, Seconds, "bridge_meeting_end_timestamp_seconds", &["meeting"],
        "When the meeting ends."),
    row(Collector, Gauge, None, "bridge_meeting_sites", &["meeting", "state"],
        "Sites of the meeting by verdict, from an hour before it to its end."),
    row(Collector, StateSet(VERDICTS), None, "bridge_meeting_site_state", &["meeting", "site", "state"],
        "The verdict over a site in the meeting, from an hour before it to its end."),
    row(Collector, Gauge, None, "bridge_incident_sites", &["uplink", "area"],
        "Sites that fail together behind one uplink, or in one area where no uplink is known."),
    // The agent of a site.
    row(Collector, Info, None, "bridge_agent_info", &["site", "version", "os"],
        "The agent's version and operating system."),
    row(Collector, Gauge, Seconds, "bridge_agent_clock_offset_seconds", SITE,
        "The agent's clock minus the collector's clock."),
    row(Agent, Gauge, None, "bridge_agent_spool_reports", SITE,
        "Reports in the agent's spool that the collector has not settled yet."),
    row(Agent, Gauge, Bytes, "bridge_agent_spool_bytes", SITE,
        "Size of the reports in the agent's spool."),
    row(Agent, Gauge, Seconds, "bridge_agent_spool_oldest_timestamp_seconds", SITE,
        "When the oldest report in the spool was taken; absent while the spool is empty."),
    row(Agent, Counter, None, "bridge_agent_spool_evicted_total", &["site", "reason"],
        "Reports dropped from the spool by its limits, kept over restarts of the agent."),
    row(Agent, Counter, None, "bridge_agent_spool_refused_total", SITE,
        "Reports the collector refused for good, kept over restarts of the agent."),
    row(Agent, Counter, None, "bridge_agent_spool_set_aside_total", SITE,
        "Spool files found damaged and set aside, kept while the state directory lives."),
    row(Agent, Counter, None, "bridge_agent_push_failures_total", &["site", "reason"],
        "Pushes that did not settle their reports, by cause."),
    row(Agent, Counter, Bytes, "bridge_agent_push_bytes_total", SITE,
        "Compressed bodies sent to the collector."),
    row(Agent, Gauge, Bytes, "bridge_agent_resident_memory_bytes", SITE,
        "Resident memory of the agent."),
    row(Agent, Counter, Seconds, "bridge_agent_cpu_seconds_total", SITE,
        "Processor time the agent has used."),
    // Every probe, whatever its kind.
    row(Collector, Gauge, None, "bridge_probe_success", PROBE_KIND,
        "Whether the probe's last run succeeded."),
    row(Collector, Gauge, Seconds, "bridge_probe_duration_seconds", PROBE_KIND,
        "How long the probe's last run took."),
    row(Collector, Gauge, Seconds, "bridge_probe_last_run_timestamp_seconds", PROBE_KIND,
        "When the probe last ran, by the collector's clock."),
    row(Agent, Counter, None, "bridge_probe_runs_total", PROBE_KIND,
        "Runs of the probe."),
    row(Agent, Counter, None, "bridge_probe_failures_total", &["site", "probe", "kind", "reason"],
        "Failed runs of the probe, by reason."),
    row(Agent, Counter, None, "bridge_probe_missed_total", PROBE_KIND,
        "Runs left out because the one before was still going or the PC slept."),
    // Echo.
    row(Agent, Counter, None, "bridge_probe_packets_sent_total", PROBE,
        "Echo requests sent."),
    row(Agent, Counter, None, "bridge_probe_packets_received_total", PROBE,
        "Echo replies that came within the time-out, duplicates not counted."),
    row(Agent, Counter, None, "bridge_probe_packets_duplicate_total", PROBE,
        "Echo replies that came more than once."),
    row(Agent, Counter, None, "bridge_probe_packets_late_total", PROBE,
        "Echo replies that came after the time-out."),
    row(Agent, Counter, None, "bridge_probe_send_errors_total", PROBE,
        "Echo requests the system refused to send."),
    row(Agent, Histogram(RTT), Seconds, "bridge_probe_rtt_seconds", PROBE,
        "Round trip times of echoes."),
    row(Agent, Gauge, Seconds, "bridge_probe_jitter_seconds", PROBE,
        "Mean difference of successive round trip times within the last run."),
    row(Agent, Gauge, Ratio, "bridge_probe_loss_ratio", PROBE,
        "Share of echo requests of the last run without a reply in time."),
    row(Agent, Gauge, None, "bridge_probe_address_hash", PROBE,
        "Hash of the address the name led to; a change means another address."),
    // Connections and answers.
    row(Agent, Gauge, Seconds, "bridge_probe_connect_seconds", PROBE,
        "Time from the first packet to an established TCP connection."),
    row(Agent, Gauge, Seconds, "bridge_probe_http_resolve_seconds", PROBE,
        "Time to resolve the name."),
    row(Agent, Gauge, Seconds, "bridge_probe_http_connect_seconds", PROBE,
        "Time to connect, TLS handshake included."),
    row(Agent, Gauge, Seconds, "bridge_probe_http_first_byte_seconds", PROBE,
        "Time from the sent request to the answer's headers."),
    row(Agent, Gauge, Seconds, "bridge_probe_http_transfer_seconds", PROBE,
        "Time to read the answer's body."),
    row(Agent, Gauge, None, "bridge_probe_http_status_code", PROBE,
        "Status code of the answer."),
    row(Agent, Gauge, Seconds, "bridge_probe_tls_expiry_timestamp_seconds", PROBE,
        "When the server's certificate expires."),
    row(Agent, Gauge, None, "bridge_probe_dns_answers", PROBE,
        "Records in the answer section."),
    row(Agent, Gauge, None, "bridge_probe_dns_rcode", PROBE,
        "Response code of RFC 1035 and RFC 6895; 0 is no error."),
    // Conference services.
    row(Agent, Gauge, Seconds, "bridge_probe_answer_seconds", PROBE,
        "Time from the question to the service's answer; of a connection, once it stood."),
    row(Agent, Gauge, None, "bridge_probe_sip_status_code", PROBE,
        "Status code of the final answer to OPTIONS."),
    row(Agent, Counter, None, "bridge_probe_mapped_address_changes_total", PROBE,
        "Changes of the address under which the outside sees the site."),
    row(Agent, Gauge, None, "bridge_probe_port_open", &["site", "probe", "device"],
        "Whether a port that the meeting needs answers; the label is tcp/443 and the like."),
    // Devices of the room.
    row(Agent, StateSet(DeviceState::LABELS), None, "bridge_device_state", &["site", "probe", "device", "state"],
        "The state of a device, in the words of the room's probes."),
    row(Collector, Gauge, None, "bridge_device_trouble", &["site", "probe", "device", "reason"],
        "What stands between a device or service and the meeting (1); absent without trouble."),
    row(Agent, Gauge, None, "bridge_device_in_use", &["site", "probe", "device"],
        "Whether a program uses the device now, or the software runs; absent where nobody can tell."),
    row(Agent, Info, None, "bridge_software_info", &["site", "probe", "version"],
        "The version of the conference client."),
    row(Agent, Gauge, None, "bridge_device_value", PROBE_DEVICE,
        "A value that a device tells of itself, under the name the configuration gives it."),
    row(Agent, Gauge, Seconds, "bridge_device_start_timestamp_seconds", PROBE,
        "Since when the device runs, by the PC's clock."),
    row(Agent, Gauge, Seconds, "bridge_display_lamp_seconds", PROBE_DEVICE,
        "How long a projector's lamp has burnt in all."),
    // The PC.
    row(Agent, Counter, Seconds, "bridge_host_cpu_busy_seconds_total", SITE,
        "Processor time not spent idle, over all cores, since the agent's start."),
    row(Agent, Gauge, Ratio, "bridge_host_cpu_usage_ratio", SITE,
        "Share of processor time not idle since the run before."),
    row(Agent, Gauge, None, "bridge_host_cpus", SITE,
        "Logical processors."),
    row(Agent, Gauge, Bytes, "bridge_host_memory_size_bytes", SITE,
        "Physical memory."),
    row(Agent, Gauge, Bytes, "bridge_host_memory_available_bytes", SITE,
        "Memory that programs can have without swapping."),
    row(Agent, Gauge, Bytes, "bridge_host_swap_used_bytes", SITE,
        "Swap in use."),
    row(Agent, Gauge, Bytes, "bridge_host_disk_size_bytes", DEVICE,
        "Size of a file system."),
    row(Agent, Gauge, Bytes, "bridge_host_disk_available_bytes", DEVICE,
        "Space on a file system that ordinary programs can use."),
    row(Agent, Gauge, Celsius, "bridge_host_temperature_celsius", DEVICE,
        "Temperature of a sensor."),
    row(Agent, Gauge, Seconds, "bridge_host_boot_timestamp_seconds", SITE,
        "When the PC was switched on, by its own clock."),
    row(Agent, Gauge, Ratio, "bridge_host_battery_charge_ratio", DEVICE,
        "Charge of a battery."),
    row(Agent, Gauge, None, "bridge_host_mains_online", SITE,
        "Whether the PC has mains power; absent where it cannot tell."),
    row(Agent, Gauge, Seconds, "bridge_host_sleep_after_seconds", SITE,
        "Time without a touch after which the PC sleeps or ends by itself; absent where it never does."),
    row(Agent, Gauge, Seconds, "bridge_host_shutdown_timestamp_seconds", SITE,
        "When a scheduled shutdown will end the PC, by its own clock; absent without one."),
    row(Agent, Gauge, Ratio, "bridge_host_throttled_ratio", SITE,
        "Share of the time since the run before in which heat slowed a processor down."),
    row(Agent, Gauge, Ratio, "bridge_host_memory_stalled_ratio", SITE,
        "Share of the last minute in which everything waited for memory."),
    row(Agent, Counter, None, "bridge_host_out_of_memory_kills_total", SITE,
        "Programs ended for want of memory since the agent's start."),
    row(Agent, Gauge, None, "bridge_host_disk_errors", DEVICE,
        "Errors that a file system has recorded of its disk."),
    row(Agent, Gauge, None, "bridge_host_restart_pending", SITE,
        "Whether the PC waits for a restart to finish an update; absent where it cannot tell."),
    // Uninterruptible power supplies, by their own word.
    row(Agent, Gauge, None, "bridge_ups_mains_online", DEVICE,
        "Whether the UPS has mains power."),
    row(Agent, Gauge, Ratio, "bridge_ups_charge_ratio", DEVICE,
        "Charge of the UPS's battery."),
    row(Agent, Gauge, Ratio, "bridge_ups_load_ratio", DEVICE,
        "Load of the UPS as a share of what it can carry."),
    row(Agent, Gauge, Seconds, "bridge_ups_runtime_seconds", DEVICE,
        "How long the UPS's battery carries its present load."),
    // The PC's network interfaces.
    row(Agent, Gauge, None, "bridge_link_up", DEVICE,
        "Whether the interface is up and has a carrier."),
    row(Agent, Gauge, BytesPerSecond, "bridge_link_speed_bytes_per_second", DEVICE,
        "Negotiated speed of the interface."),
    row(Agent, Gauge, None, "bridge_link_full_duplex", DEVICE,
        "Whether the interface negotiated full duplex."),
    row(Agent, Counter, Bytes, "bridge_link_receive_bytes_total", DEVICE,
        "Bytes received since the agent's start."),
    row(Agent, Counter, Bytes, "bridge_link_transmit_bytes_total", DEVICE,
        "Bytes sent since the agent's start."),
    row(Agent, Counter, None, "bridge_link_receive_errors_total", DEVICE,
        "Frames received broken or dropped since the agent's start."),
    row(Agent, Counter, None, "bridge_link_transmit_errors_total", DEVICE,
        "Frames that could not be sent since the agent's start."),
    row(Agent, Gauge, Dbm, "bridge_link_wifi_signal_dbm", DEVICE,
        "Signal level of a wireless interface."),
    // The PC's clock, by the system's own word.
    row(Agent, Gauge, None, "bridge_clock_synchronised", SITE,
        "Whether the operating system holds its clock for synchronised."),
    row(Agent, Gauge, Seconds, "bridge_clock_estimated_error_seconds", SITE,
        "The operating system's estimate of its clock's error."),
    // The collector about itself.
    row(Software, Info, None, "nhipcau_collector_build_info", &["version", "revision"],
        "The collector's version."),
    row(Software, Counter, None, "nhipcau_collector_reports_total", &["result"],
        "Reports by what became of them: accepted, duplicate or refused."),
    row(Software, Counter, None, "nhipcau_collector_samples_ignored_total", &["reason"],
        "Samples left out of accepted reports, by cause."),
    row(Software, Gauge, None, "nhipcau_collector_sites", &["state"],
        "Sites by state: expected, enrolled or up."),
    row(Software, Gauge, None, "nhipcau_collector_series", &[],
        "Series of sites in the last scrape."),
    row(Software, Gauge, None, "nhipcau_collector_config_last_reload_successful", &[],
        "Whether the last reading of inventory, calendars and absences succeeded."),
    row(Software, Gauge, Seconds, "nhipcau_collector_config_last_reload_success_timestamp_seconds", &[],
        "When inventory, calendars and absences were last read with success."),
    row(Software, Gauge, None, "nhipcau_collector_connections", &["endpoint"],
        "Open connections by listener."),
    row(Software, Counter, None, "nhipcau_collector_connections_rejected_total", &["endpoint", "reason"],
        "Connections ended before a request, by listener and cause."),
    row(Software, Counter, None, "nhipcau_collector_requests_total", &["endpoint", "code"],
        "Requests by endpoint and status code."),
    row(Software, Histogram(REQUEST), Seconds, "nhipcau_collector_request_duration_seconds", &["endpoint"],
        "Time from a request's headers to its answer."),
    row(Software, Gauge, None, "nhipcau_collector_store_queue", &[],
        "Batches waiting for the store to make them durable."),
    row(Software, Histogram(REQUEST), Seconds, "nhipcau_collector_store_commit_seconds", &[],
        "Time to make a group of batches durable."),
    row(Software, Counter, None, "nhipcau_collector_store_errors_total", &[],
        "Failed writes of the store; its agents were told to try again."),
    row(Software, Counter, None, "nhipcau_collector_enrolments_total", &["result"],
        "Enrolments by result."),
    row(Software, Gauge, Seconds, "nhipcau_collector_certificate_expiry_timestamp_seconds", &[],
        "When the collector's own certificate expires."),
]);
