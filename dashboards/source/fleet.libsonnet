// The agents: who is silent, which versions run, whose clocks are off, whose reports wait.
function(lib)
  local t = lib.t;
  local in_area = 'on (site) group_left (name, area, uplink) max by (site, name, area, uplink) (bridge_info{area=~"$area"})';
  lib.dashboard(
    'nhipcau-fleet',
    t('Nhịp Cầu: Phần mềm điểm cầu', 'Nhịp Cầu: Fleet'),
    t('Chương trình nhipcau-agent trên các điểm cầu: im lặng, phiên bản, đồng hồ, bản tin chờ gửi.',
      'nhipcau-agent on all sites: silence, versions, clocks, reports that wait.'),
    [
      [
        lib.stat(
          t('Phải có', 'Expected'),
          t('Điểm cầu trong danh mục.', 'Sites of the inventory.'),
          6,
          4,
          'short',
          [lib.now('sum(bridge:sites{area=~"$area"})')],
          { decimals: 0 },
        ),
        lib.count(
          t('? Im lặng', '? Silent'),
          t('Không có bản tin nào còn hạn: máy tắt, mất mạng hoặc chương trình dừng.', 'No report within its time to live: switched off, cut off or stopped.'),
          6,
          4,
          'sum(bridge:sites_silent{area=~"$area"})',
          lib.colour.unknown,
        ),
        lib.count(
          t('▲ Đồng hồ lệch quá 30 giây', '▲ Clocks off by over 30 s'),
          t('Thường là hết pin CMOS. Số liệu vẫn đúng giờ vì được sửa theo độ lệch.', 'Mostly a dead CMOS battery. Readings are dated right all the same.'),
          6,
          4,
          'count(abs(bridge_agent_clock_offset_seconds and on (site) bridge_info{area=~"$area"}) > 30) or sum(bridge:sites{area=~"$area"}) * 0',
          lib.colour.degraded,
        ),
        lib.count(
          t('✖ Bỏ bản tin trong 24 giờ', '✖ Dropping reports, 24 hours'),
          t('Điểm cầu phải bỏ bản tin cũ vì hàng chờ trên đĩa đã đầy.', 'Sites that dropped old reports because their spool was full.'),
          6,
          4,
          'count(sum by (site) (increase(bridge_agent_spool_evicted_total[24h]) and on (site) bridge_info{area=~"$area"}) > 0) or sum(bridge:sites{area=~"$area"}) * 0',
          lib.colour.not_ready,
        ),
      ],
      [
        lib.table(
          t('Đang im lặng, lâu nhất ở trên', 'Silent, longest first'),
          t('Báo về cách đây bao lâu. Nơi chưa bao giờ báo về đứng cuối, không có thời gian. Trống là mọi nơi đều báo về.',
            'Since the last report. Sites never heard of come last and have no time. Empty: all report.'),
          14,
          12,
          [lib.rows(|||
            topk(200,
              (time() - max by (site) (bridge_last_seen_timestamp_seconds) and on (site) bridge_up == 0) * %(area)s
              or (max by (site) (bridge_up == 0) - 1 unless on (site) bridge_last_seen_timestamp_seconds) * %(area)s
            )
          ||| % { area: in_area })],
          [
            lib.column('Value', t('Báo về cách đây', 'Last report ago'), [
              lib.unit('s'),
              lib.property('decimals', 0),
              lib.width(150),
              lib.mapped([{ type: 'range', options: { from: null, to: 0, result: { text: t('Chưa bao giờ', 'Never'), index: 0 } } }]),
            ]),
            lib.column_site,
            lib.column_area,
            lib.column_uplink,
            lib.column_id,
          ],
          sort=t('Báo về cách đây', 'Last report ago'),
        ),
        lib.bars(
          t('Phiên bản', 'Versions'),
          t('Số điểm cầu theo phiên bản chương trình và hệ điều hành.', 'Sites by version and operating system.'),
          10,
          12,
          'short',
          [lib.now('topk(20, count by (version, os) (bridge_agent_info and on (site) bridge_info{area=~"$area"}))', '{{version}} · {{os}}')],
          { decimals: 0 },
        ),
      ],
      [
        lib.table(
          t('Đồng hồ lệch nhất', 'Clocks farthest off'),
          t('Đồng hồ máy điểm cầu trừ đồng hồ máy chủ, 20 nơi lệch nhất. Chỉnh giờ; lệch lại sau khi tắt máy thì thay pin CMOS.',
            "The PC's clock minus the collector's, the 20 farthest. Set it; if it comes back, replace the CMOS battery."),
          12,
          10,
          [lib.rows('topk(20, abs(bridge_agent_clock_offset_seconds) * %s)' % in_area)],
          [
            lib.column('Value', t('Lệch', 'Off by'), [lib.unit('s'), lib.property('decimals', 1), lib.coloured, lib.limits([[null, 'transparent'], [30, lib.colour.degraded], [3600, lib.colour.not_ready]]), lib.width(120)]),
            lib.column_site,
            lib.column_area,
            lib.column_id,
          ],
          sort=t('Lệch', 'Off by'),
        ),
        lib.table(
          t('Bản tin chờ gửi nhiều nhất', 'Most reports waiting'),
          t('Bản tin trong hàng chờ trên đĩa và bản tin cũ nhất đã chờ bao lâu. Nhiều nghĩa là đường truyền chậm hoặc vừa đứt. Sau sự cố, số này giảm dần. Cột cũ nhất trống là không có gì chờ.',
            'Reports in the spool and how long the oldest has waited. Many mean a slow line or one that was cut; afterwards it falls. Empty of the oldest: nothing waits.'),
          12,
          10,
          [
            lib.rows('topk(20, max by (site) (bridge_agent_spool_reports) * %s)' % in_area),
            lib.rows('time() - max by (site) (bridge_agent_spool_oldest_timestamp_seconds) and on (site) topk(20, max by (site) (bridge_agent_spool_reports))'),
          ],
          [
            lib.column('Value #A', t('Bản tin', 'Reports'), [lib.width(100), lib.property('decimals', 0)]),
            lib.column('Value #B', t('Cũ nhất', 'Oldest'), [lib.unit('s'), lib.property('decimals', 0), lib.property('noValue', '–'), lib.width(110)]),
            lib.column_site,
            lib.column_area,
            lib.column_id,
          ],
          [{ id: 'merge', options: {} }],
          sort=t('Bản tin', 'Reports'),
        ),
      ],
      [
        lib.series(
          t('Điểm cầu im lặng', 'Silent sites'),
          t('Theo địa bàn.', 'By area.'),
          8,
          8,
          'short',
          [lib.over_time('sum by (area) (bridge:sites_silent{area=~"$area"})', '{{area}}')],
          { min: 0, decimals: 0 },
        ),
        lib.series(
          t('Gửi không thành', 'Failed pushes'),
          t('Số lần gửi bản tin không thành mỗi giây, theo lý do, mọi điểm cầu. Trống là không có.', 'Pushes a second that settled nothing, by cause, of all sites. Empty: none.'),
          8,
          8,
          'ops',
          [lib.over_time('sum by (reason) (rate(bridge_agent_push_failures_total[$__rate_interval]))', '{{reason}}')],
          { min: 0 },
        ),
        lib.series(
          t('Lưu lượng gửi của cả hệ thống', 'Traffic of the whole fleet'),
          t('Dữ liệu nén các điểm cầu gửi lên mỗi giây.', 'Compressed bodies that sites send, a second.'),
          8,
          8,
          'Bps',
          [lib.over_time('sum(rate(bridge_agent_push_bytes_total[$__rate_interval]))', t('Gửi lên', 'Sent'))],
          { min: 0 },
        ),
      ],
    ],
    [lib.area],
  )
