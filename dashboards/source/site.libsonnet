// One site: why it will not be there, and since when.
function(lib)
  local t = lib.t;
  local named(texts) = [
    { matcher: { id: 'byName', options: name }, properties: [lib.property('displayName', texts[name])] }
    for name in std.objectFields(texts)
  ];
  lib.dashboard(
    'nhipcau-site',
    t('Nhịp Cầu: Điểm cầu', 'Nhịp Cầu: Site'),
    t('Một điểm cầu: vì sao chưa họp được, từ lúc nào.', 'One site: why it will not be there, and since when.'),
    [
      [
        lib.stat(
          t('Trạng thái bây giờ', 'State now'),
          t('Kết luận trên mọi thứ cuộc họp cần ở điểm cầu này.', 'The verdict over all that a meeting needs of this site.'),
          8,
          4,
          'none',
          [lib.now('max by (name) (bridge:site_verdict{site="$site"})', '{{name}}')],
          { mappings: lib.words.verdict_mappings },
          { textMode: 'value_and_name', text: { titleSize: 20, valueSize: 32 } },
        ),
        lib.stat(
          t('Báo về cách đây', 'Last report ago'),
          t('Bản tin gần nhất đến máy chủ thu nhận cách đây bao lâu. Trống: chưa bao giờ báo về.', 'Since the last report arrived. Empty: there never was one.'),
          4,
          4,
          's',
          [lib.now('time() - max(bridge_last_seen_timestamp_seconds{site="$site"})')],
          { decimals: 0, mappings: [lib.words.no_data(t('Chưa bao giờ', 'Never'))], thresholds: lib.steps([[null, lib.colour.calm], [90, lib.colour.degraded], [900, lib.colour.unknown]]) },
        ),
        lib.stat(
          t('Đồng hồ lệch', 'Clock off by'),
          t('Đồng hồ của máy điểm cầu trừ đồng hồ máy chủ. Số liệu được sửa giờ theo độ lệch này.', "The PC's clock minus the collector's. Readings are dated right by it."),
          4,
          4,
          's',
          [lib.now('max(bridge_agent_clock_offset_seconds{site="$site"})')],
          { decimals: 1, thresholds: lib.steps([[null, lib.colour.degraded], [-30, lib.colour.calm], [30, lib.colour.degraded]]) },
        ),
        lib.stat(
          t('Máy bật được', 'PC on for'),
          t('Thời gian từ lúc bật máy, theo đồng hồ của máy.', "Since the PC was switched on, by the PC's clock."),
          4,
          4,
          's',
          [lib.now('time() + max(bridge_agent_clock_offset_seconds{site="$site"}) - max(bridge_host_boot_timestamp_seconds{site="$site"})')],
          { decimals: 0 },
        ),
        lib.stat(
          t('Phiên bản', 'Version'),
          t('Phiên bản của nhipcau-agent và hệ điều hành.', 'Version of nhipcau-agent and operating system.'),
          4,
          4,
          'none',
          [lib.now('max by (version, os) (bridge_agent_info{site="$site"})', '{{version}} · {{os}}')],
          {},
          { textMode: 'name' },
        ),
      ],
      [
        lib.table(
          t('Vì sao', 'Why'),
          t('Lý do của trạng thái, mỗi dòng một lý do. Trống là sẵn sàng. Cách xử lý từng lý do có ở bảng theo dõi của máy chủ thu nhận.',
            "The reasons of the state, a line each. Empty means ready. What to do about each stands on the collector's board."),
          12,
          7,
          [lib.rows('max by (capability, reason) (bridge_ready_reason{site="$site"})')],
          [lib.column_capability, lib.column_reason, lib.column('Value', t('Số', 'Number'), lib.hidden)],
        ),
        lib.table(
          t('Thiết bị có vấn đề', 'Devices in trouble'),
          t('Điều gì ngăn thiết bị hoặc dịch vụ phục vụ cuộc họp. Trống là không có gì.', 'What stands between a device or service and the meeting. Empty: nothing.'),
          12,
          7,
          [lib.rows('max by (probe, device, reason) (bridge_device_trouble{site="$site"})')],
          [
            lib.column('device', t('Thiết bị', 'Device')),
            lib.column_reason,
            lib.column('probe', t('Phép đo', 'Probe'), [lib.width(130)]),
            lib.column('Value', t('Số', 'Number'), lib.hidden),
          ],
        ),
      ],
      [
        lib.timeline(
          t('Hạng mục theo thời gian', 'Capabilities over time'),
          t('Từng thứ cuộc họp cần, theo thời gian. Khoảng trống: không có số liệu.', 'Each thing that a meeting needs, over time. A gap means no data.'),
          24,
          9,
          [lib.over_time(lib.verdict('bridge_capability_state', 'capability', 'site="$site"'), '{{capability}}')],
          lib.words.verdict_mappings,
        ) { fieldConfig+: { overrides: named(lib.words.capabilities) } },
      ],
      [
        lib.smoke(
          t('Trễ khứ hồi', 'Round trip times'),
          t('Mỗi ô đếm gói tin có độ trễ trong khoảng ấy; màu càng nổi càng nhiều. Dải hẹp và thấp là tốt, loang rộng là đường truyền chập chờn.',
            'Each cell counts echoes that took that long; the more it stands out, the more. Narrow and low is good, spread out means an unsteady line.'),
          12,
          9,
          'sum by (le) (increase(bridge_probe_rtt_seconds_bucket{site="$site", probe=~"$probe"}[$__rate_interval]))',
        ),
        lib.series(
          t('Mất gói', 'Loss'),
          t('Tỷ lệ gói không có trả lời trong lần đo gần nhất. Trên 1 % là kém.', 'Share of echoes without a reply in the last run. Above 1 % is poor.'),
          6,
          9,
          'percentunit',
          [lib.over_time('max by (probe) (bridge_probe_loss_ratio{site="$site", probe=~"$probe"})', '{{probe}}')],
          { min: 0, thresholds: lib.steps([[null, 'transparent'], [0.01, lib.colour.degraded]]), custom: lib.series_style { axisSoftMax: 0.05, thresholdsStyle: { mode: 'dashed' } } },
        ),
        lib.series(
          t('Trễ biến động', 'Jitter'),
          t('Chênh lệch trung bình giữa hai gói liên tiếp. Trên 30 ms nghe thấy ngắt tiếng.', 'Mean difference of successive round trips. Above 30 ms one hears it.'),
          6,
          9,
          's',
          [lib.over_time('max by (probe) (bridge_probe_jitter_seconds{site="$site", probe=~"$probe"})', '{{probe}}')],
          { min: 0, thresholds: lib.steps([[null, 'transparent'], [0.03, lib.colour.degraded]]), custom: lib.series_style { axisSoftMax: 0.05, thresholdsStyle: { mode: 'dashed' } } },
        ),
      ],
      [
        lib.timeline(
          t('Thiết bị theo thời gian', 'Devices over time'),
          t('Tình trạng từng thiết bị và dịch vụ. Trống là chưa đo thiết bị nào.', 'The state of each device and service. Empty: none is measured.'),
          12,
          9,
          [lib.over_time(
            'sum by (probe, device) (%s)' % std.join(' or ', [
              'bridge_device_state{site="$site", state="%s"} * %d' % [state, lib.words.device_number[state]]
              for state in std.objectFields(lib.words.device_number)
            ]),
            '{{probe}}: {{device}}'
          )],
          lib.words.device_mappings,
        ),
        lib.timeline(
          t('Phép đo đạt hay không', 'Probes, good or failed'),
          t('Lần chạy gần nhất của từng phép đo.', 'The last run of each probe.'),
          12,
          9,
          [lib.over_time('max by (probe) (bridge_probe_success{site="$site"})', '{{probe}}')],
          lib.words.good_mappings(t('✔ Đạt', '✔ Good'), t('✖ Không đạt', '✖ Failed')),
        ),
      ],
      [
        lib.series(
          t('Máy tính', 'PC'),
          t('Mức dùng bộ xử lý, bộ nhớ và từng ổ đĩa.', 'How much of processor, memory and each disk is in use.'),
          12,
          8,
          'percentunit',
          [
            lib.over_time('max(bridge_host_cpu_usage_ratio{site="$site"})', t('Bộ xử lý', 'Processor')),
            lib.over_time('max(1 - bridge_host_memory_available_bytes{site="$site"} / bridge_host_memory_size_bytes{site="$site"})', t('Bộ nhớ', 'Memory')),
            lib.over_time(
              'max by (device) (1 - bridge_host_disk_available_bytes{site="$site"} / bridge_host_disk_size_bytes{site="$site"})',
              t('Đĩa {{device}}', 'Disk {{device}}')
            ),
          ],
          { min: 0, max: 1 },
        ),
        lib.table(
          t('Lần hỏng gần nhất trong 24 giờ', 'Last failures of 24 hours'),
          t('Từng phép đo, vì sao và lúc nào. Trống là không hỏng lần nào.', 'Each probe, why and when. Empty: none failed.'),
          12,
          8,
          [lib.rows(|||
            max by (probe, reason) (max_over_time(
              timestamp(bridge_probe_failures_total{site="$site"} > (bridge_probe_failures_total{site="$site"} offset 1m or bridge_probe_failures_total{site="$site"} * 0))[24h:1m]
            )) * 1000
          |||)],
          [
            lib.column('Value', t('Lúc', 'When'), [lib.unit('time:DD/MM HH:mm'), lib.width(120)]),
            lib.column('probe', t('Phép đo', 'Probe'), [lib.width(150)]),
            lib.column_reason,
          ],
          sort=t('Lúc', 'When'),
        ),
      ],
    ],
    [
      lib.area,
      lib.site,
      lib.variable('probe', t('Phép đo mạng', 'Network probe'), 'label_values(bridge_probe_rtt_seconds_count{site="$site"}, probe)', many=true),
    ],
  )
