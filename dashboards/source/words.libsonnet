// States, capabilities and reasons in the words that people read. `t` chooses the language.
function(t) {
  local words = self,
  local sign(mappings) = [{ type: 'value', options: mappings }],

  // No data are a state of their own, in a colour that is neither good nor bad.
  no_data(text):: {
    type: 'special',
    options: { match: 'null+nan', result: { text: text, color: '#808080', index: 99 } },
  },
  local nothing = words.no_data(t('∅ Không có số liệu', '∅ No data')),

  // The higher, the more it asks for somebody: what is known to fail comes before what is silent.
  verdict_number: { not_ready: 4, unknown: 3, degraded: 2, ready: 1, excused: 0 },

  verdicts: {
    ready: t('✔ Sẵn sàng', '✔ Ready'),
    degraded: t('▲ Hạn chế', '▲ Degraded'),
    not_ready: t('✖ Chưa sẵn sàng', '✖ Not ready'),
    unknown: t('? Không rõ', '? Unknown'),
    excused: t('⏸ Vắng có lý do', '⏸ Excused'),
  },
  local verdict_colours = { ready: '#0072B2', degraded: '#E69F00', not_ready: '#D55E00', unknown: '#808080', excused: '#CC79A7' },

  verdict_mappings:: sign({
    [std.toString(words.verdict_number[state])]: {
      text: words.verdicts[state],
      color: verdict_colours[state],
      index: words.verdict_number[state],
    }
    for state in std.objectFields(words.verdicts)
  }) + [nothing],

  // A set of named texts, for cells that hold labels.
  local named(texts) = [{ type: 'value', options: { [key]: { text: texts[key] } for key in std.objectFields(texts) } }],

  // 1 and 0, where 1 is good.
  good_mappings(good, bad):: sign({
    '1': { text: good, color: '#0072B2', index: 0 },
    '0': { text: bad, color: '#D55E00', index: 1 },
  }) + [nothing],

  // The time to a meeting.
  countdown_mappings:: [
    { type: 'range', options: { from: null, to: 0, result: { text: t('▶ ĐANG HỌP', '▶ IN SESSION'), color: '#0072B2', index: 0 } } },
    // What `lib.no_meeting` yields.
    { type: 'range', options: { from: 1e9, to: null, result: { text: t('Không có cuộc họp trong 24 giờ tới', 'No meeting within 24 hours'), color: '#3D4450', index: 1 } } },
    nothing,
  ],

  // 1 and 0, where 1 only needs a look.
  notice_mappings(yes, no):: sign({
    '1': { text: yes, color: '#E69F00', index: 0 },
    '0': { text: no, color: '#0072B2', index: 1 },
  }) + [nothing],

  // The states of a device, numbered as the verdict they lead to.
  device_number: { missing: 4, blocked: 3, degraded: 2, ok: 1, unknown: 0 },
  devices: {
    ok: t('✔ Tốt', '✔ OK'),
    degraded: t('▲ Hạn chế', '▲ Degraded'),
    missing: t('✖ Không thấy', '✖ Missing'),
    blocked: t('■ Không dùng được', '■ Blocked'),
    unknown: t('? Không rõ', '? Unknown'),
  },
  device_colours: { ok: '#0072B2', degraded: '#E69F00', missing: '#D55E00', blocked: '#882255', unknown: '#808080' },
  device_mappings:: sign({
    [std.toString(words.device_number[state])]: {
      text: words.devices[state],
      color: words.device_colours[state],
      index: words.device_number[state],
    }
    for state in std.objectFields(words.devices)
  }) + [nothing],

  capabilities: {
    network: t('Đường truyền', 'Network'),
    camera: t('Camera', 'Camera'),
    microphone: t('Micrô', 'Microphone'),
    speaker: t('Loa', 'Speaker'),
    display: t('Màn hình', 'Display'),
    codec: t('Thiết bị hội nghị', 'Codec'),
    power: t('Nguồn điện', 'Power supply'),
    host: t('Máy tính', 'PC'),
    clock: t('Đồng hồ máy tính', 'Clock'),
  },
  capability_mappings:: named(words.capabilities),

  // Every reason of a verdict, every cause of a device's trouble and every failure of a probe.
  reasons: {
    absence_agreed: t('Vắng đã thống nhất hoặc bảo trì', 'Agreed absence or maintenance'),
    never_heard: t('Chưa bao giờ báo về: cài máy, ghi danh', 'Never reported: install and enrol'),
    site_silent: t('Không báo về: bật máy, xem điện và mạng', 'Silent: switch on, check mains and line'),
    agent_cloned: t('Nhiều máy dùng chung một ghi danh', 'Several PCs with one credential'),
    double_booked: t('Hai cuộc họp trùng giờ', 'Two meetings at one time'),
    no_evidence: t('Chưa có phép đo nào', 'Nothing measures it yet'),
    evidence_stale: t('Số liệu đã cũ', 'Evidence too old'),
    camera_missing: t('Không thấy camera: xem cáp, nguồn', 'Camera not found: cable, power'),
    camera_blocked: t('Camera không dùng được', 'Camera blocked'),
    microphone_missing: t('Không thấy micrô: xem cáp', 'Microphone not found: cable'),
    microphone_blocked: t('Micrô không dùng được', 'Microphone blocked'),
    speaker_missing: t('Không thấy loa: xem cáp, nguồn', 'Speaker not found: cable, power'),
    speaker_blocked: t('Loa không dùng được', 'Speaker blocked'),
    display_missing: t('Không thấy màn hình: xem cáp, nguồn', 'Display not found: cable, power'),
    display_blocked: t('Màn hình không dùng được', 'Display blocked'),
    codec_missing: t('Không thấy thiết bị hội nghị', 'Codec not found'),
    codec_blocked: t('Thiết bị hội nghị không dùng được', 'Codec blocked'),
    device_missing: t('Không thấy thiết bị', 'Device not found'),
    device_blocked: t('Thiết bị không dùng được', 'Device blocked'),
    device_degraded: t('Thiết bị chạy hạn chế', 'Device degraded'),
    device_unknown: t('Không rõ tình trạng thiết bị', 'State of the device unknown'),
    unplugged: t('Chưa cắm gì vào cổng', 'Nothing plugged in'),
    not_installed: t('Chưa được cài đặt', 'Not installed'),
    no_driver: t('Thiếu trình điều khiển', 'No driver'),
    failed: t('Thiết bị không khởi động được', 'Does not start'),
    disabled: t('Bị tắt trong hệ điều hành', 'Switched off in the system'),
    muted: t('Đang bị tắt tiếng', 'Muted'),
    silent: t('Âm lượng bằng không', 'Volume at zero'),
    inactive: t('Đã nối nhưng không có hình', 'Connected, no picture'),
    asleep: t('Đang ngủ để tiết kiệm điện', 'Asleep to save energy'),
    broken: t('Đã cài nhưng không chạy được', 'Installed, cannot start'),
    privacy_switch: t('Bị khoá quyền riêng tư', 'Privacy switch on'),
    not_running: t('Chưa được mở', 'Does not run'),
    quiet: t('Âm lượng quá nhỏ', 'Volume low'),
    not_default: t('Không phải thiết bị mặc định', 'Not the default device'),
    duplicated: t('Chiếu lặp màn hình khác', 'Repeats another display'),
    slow: t('Cắm vào cổng quá chậm', 'Connected too slowly'),
    outdated: t('Phiên bản quá cũ', 'Version too old'),
    overloaded: t('Dịch vụ báo quá tải hoặc lỗi', 'Service overloaded'),
    ports_blocked: t('Một số cổng bị chặn', 'Some ports blocked'),
    address_changed: t('Địa chỉ ra ngoài vừa thay đổi', 'Outside address changed'),
    untold: t('Hệ điều hành không cho biết', 'The system does not tell'),
    nobody_signed_in: t('Chưa ai đăng nhập nên không xem được', 'Nobody signed in who could see it'),
    probe_timeout: t('Đo không kịp: quá thời gian chờ', 'Measurement timed out'),
    probe_refused: t('Đầu kia từ chối kết nối', 'Connection refused'),
    probe_unreachable: t('Không tới được đầu kia', 'Unreachable'),
    probe_resolve: t('Không phân giải được tên', 'Name not resolved'),
    probe_tls: t('Lỗi bảo mật TLS hoặc chứng thư', 'TLS or certificate fault'),
    probe_protocol: t('Trả lời sai giao thức', 'Answer breaks the protocol'),
    probe_unexpected: t('Trả lời không như mong đợi', 'Unexpected answer'),
    probe_absent: t('Không tìm thấy thứ cần đo', 'What is measured is not there'),
    probe_denied: t('Chương trình không có quyền đo', 'No right to measure'),
    probe_internal: t('Lỗi của chính chương trình đo', 'Fault of the agent itself'),
    probe_other: t('Thất bại vì lý do chưa biết', 'Failed for an unknown reason'),
    loss_high: t('Mất gói nhiều', 'High loss'),
    jitter_high: t('Trễ biến động lớn', 'High jitter'),
    rtt_high: t('Trễ khứ hồi lớn', 'Long round trip'),
    clock_unsynchronised: t('Đồng hồ không được đồng bộ', 'Clock not synchronised'),
    clock_offset_large: t('Đồng hồ lệch nhiều', 'Clock far off'),
    disk_nearly_full: t('Ổ đĩa sắp đầy', 'Disk nearly full'),
    memory_exhausted: t('Cạn bộ nhớ', 'Out of memory'),
    mains_lost: t('Mất điện lưới, đang chạy pin', 'No mains, on battery'),
    ups_on_battery: t('Mất điện lưới, bộ lưu điện đang cấp', 'No mains, on UPS'),
    battery_low: t('Pin sắp hết', 'Battery low'),
    certificate_expiring: t('Chứng thư hết hạn trước khi họp xong', 'Certificate expires before the end'),
    disk_filling: t('Ổ đĩa sẽ đầy trước khi họp xong', 'Disk full before the end'),
    battery_too_short: t('Pin không đủ đến hết cuộc họp', 'Battery too short for the meeting'),
    restarts_in_meeting: t('Có thể tự khởi động lại trước khi họp xong', 'May restart before the end'),
    restart_pending: t('Chờ khởi động lại để cập nhật', 'Restart pending'),
    // UPSes, projectors and the PC's own health.
    battery_empty: t('Ắc quy sắp cạn', 'Battery about to end'),
    battery_worn: t('Ắc quy cần thay', 'Battery to be replaced'),
    disk_failing: t('Ổ đĩa tự báo sắp hỏng: thay ngay', 'Disk foretells its end: replace'),
    disk_errors: t('Ổ đĩa có lỗi: sao lưu, thay ổ', 'Disk errors: back up, replace'),
    fault_reported: t('Thiết bị tự báo hỏng', 'Reports a fault'),
    lamp_worn: t('Bóng đèn đã quá giờ chiếu', 'Lamp worn out'),
    login_refused: t('Không nhận mật khẩu đã khai báo', 'Refuses its password'),
    memory_stalled: t('Máy phải chờ bộ nhớ', 'Everything waits for memory'),
    no_signal: t('Đã bật nhưng không có tín hiệu', 'On, no signal'),
    on_bypass: t('Bộ lưu điện chạy nối tắt', 'UPS on bypass'),
    out_of_touch: t('Phần mềm theo dõi mất liên lạc', 'What watches it lost touch'),
    far_out_of_range: t('Vượt ngưỡng cho phép', 'Far out of its range'),
    not_told: t('Thiết bị không cho biết', 'The device does not tell'),
    out_of_range: t('Vượt ngưỡng cảnh báo', 'Out of its range'),
    display_unseen: t('Thiết bị hội nghị không thấy màn hình', 'The codec sees no display'),
    half_duplex: t('Cổng mạng chạy bán song công', 'Line at half duplex'),
    media_jitter_high: t('Cuộc gọi trễ biến động lớn', 'High jitter in the call'),
    media_loss_high: t('Cuộc gọi mất gói nhiều', 'High loss in the call'),
    not_registered: t('Chưa đăng ký với máy chủ hội nghị', 'Not registered'),
    overheated: t('Máy quá nóng: lau bụi quạt', 'Too hot: clean the fan'),
    picture_muted: t('Đang bị che hình', 'Picture muted'),
    shutdown_scheduled: t('Đã hẹn giờ tắt trước khi họp xong', 'Shutdown before the end'),
    sleeps_in_meeting: t('Máy sẽ tự ngủ giữa cuộc họp', 'Will sleep in the meeting'),
    standby: t('Đang ở chế độ chờ', 'In standby'),
    switched_off: t('Đang tắt', 'Switched off'),
    ups_overloaded: t('Bộ lưu điện quá tải', 'UPS overloaded'),
    warming_up: t('Đang khởi động hoặc làm nguội', 'Warms up or cools down'),
    warning_reported: t('Thiết bị tự báo cần chú ý', 'Reports a warning'),
    wrong_input: t('Đang chọn nhầm đầu vào', 'Shows another input'),
    // Devices' causes and probes' failures that verdicts tell under another code.
    absent: t('Không có thiết bị này', 'There is no such device'),
    other: t('Lý do chưa biết', 'Unknown reason'),
    timeout: t('Quá thời gian chờ', 'Timed out'),
    refused: t('Bị từ chối kết nối', 'Refused'),
    unreachable: t('Không tới được', 'Unreachable'),
    resolve: t('Không phân giải được tên', 'Name not resolved'),
    tls: t('Lỗi TLS hoặc chứng thư', 'TLS or certificate fault'),
    protocol: t('Sai giao thức', 'Protocol fault'),
    unexpected: t('Trả lời không như mong đợi', 'Unexpected answer'),
    denied: t('Không có quyền', 'Denied'),
    internal: t('Lỗi của chính chương trình', 'Fault of the agent'),
  },
  reason_mappings:: named(words.reasons),
}
