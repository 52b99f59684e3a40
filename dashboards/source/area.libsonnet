// An area: its sites, what fails in it, and who was not ready when.
function(lib)
  local t = lib.t;
  local count(state, description) = lib.count(
    lib.words.verdicts[state],
    description,
    4,
    4,
    'sum(bridge:sites{area=~"$area", state="%s"})' % state,
    lib.colour[state]
  );

  lib.dashboard(
    'nhipcau-area',
    t('Nhịp Cầu: Địa bàn', 'Nhịp Cầu: Area'),
    t('Các điểm cầu của một địa bàn: trạng thái, lần cuối báo về, thứ gì hỏng.', 'The sites of an area: state, last report, what fails.'),
    [
      [
        lib.stat(
          t('Họp được', 'Can meet'),
          t('Sẵn sàng và hạn chế, trên số điểm cầu phải có trừ nơi vắng có lý do.', 'Ready and degraded, of the expected sites without the excused.'),
          4,
          4,
          'percentunit',
          [lib.now(|||
            sum(bridge:sites{area=~"$area", state=~"ready|degraded"}) / (sum(bridge:sites{area=~"$area", state!="excused"}) > 0)
          |||)],
          { decimals: 1, thresholds: lib.steps([[null, lib.colour.not_ready], [0.9, lib.colour.degraded], [0.98, lib.colour.ready]]) },
        ),
        count('ready', t('Có đủ mọi thứ cuộc họp cần.', 'They have all that a meeting needs.')),
        count('degraded', t('Họp được nhưng kém.', 'They can meet, but less well.')),
        count('not_ready', t('Biết rõ có thứ hỏng.', 'Something is known to fail.')),
        count('unknown', t('Không có số liệu mới.', 'No fresh evidence.')),
        count('excused', t('Vắng đã thống nhất hoặc bảo trì.', 'Agreed absence or maintenance.')),
      ],
      [
        lib.table(
          t('Điểm cầu của địa bàn, nặng nhất ở trên', 'Sites of the area, worst first'),
          t('Mọi điểm cầu phải có, kể cả nơi chưa bao giờ báo về. Nhiều nhất 500 dòng. Bấm vào tên để mở điểm cầu.',
            'Every expected site, also those never heard of. At most 500 lines. A click on the name opens the site.'),
          15,
          14,
          [
            lib.rows('topk(500, bridge:site_verdict{area=~"$area"})'),
            lib.rows('time() - max by (site) (bridge_last_seen_timestamp_seconds and on (site) bridge:site_verdict{area=~"$area"})'),
            lib.rows('max by (site) (bridge:probe_loss_ratio:mean5m{area=~"$area"})'),
            lib.rows('max by (site) (bridge:probe_rtt_seconds:mean5m{area=~"$area"})'),
          ],
          [
            lib.column_verdict('Value #A'),
            lib.column_site,
            lib.column('Value #B', t('Báo về cách đây', 'Last report ago'), [
              lib.unit('s'),
              lib.width(140),
              lib.property('decimals', 0),
              lib.property('noValue', t('Chưa bao giờ', 'Never')),
            ]),
            lib.column('Value #C', t('Mất gói', 'Loss'), [
              lib.unit('percentunit'),
              lib.width(90),
              lib.property('decimals', 1),
              lib.property('noValue', '–'),
              lib.coloured,
              lib.limits([[null, 'transparent'], [0.01, lib.colour.degraded], [0.05, lib.colour.not_ready]]),
            ]),
            lib.column('Value #D', t('Trễ khứ hồi', 'Round trip'), [
              lib.unit('s'),
              lib.width(110),
              lib.property('decimals', 0),
              lib.property('noValue', '–'),
              lib.coloured,
              lib.limits([[null, 'transparent'], [0.15, lib.colour.degraded], [0.3, lib.colour.not_ready]]),
            ]),
            lib.column_uplink,
            lib.column_id,
          ],
          [{ id: 'merge', options: {} }],
          sort=t('Trạng thái', 'State'),
        ),
        lib.bars(
          t('Hạng mục hỏng', 'What fails'),
          t('Số điểm cầu chưa đạt theo hạng mục, cần hay không cần cho cuộc họp.', 'Sites that fail, by capability, needed by a meeting or not.'),
          9,
          14,
          'short',
          [lib.now('sum by (capability) (bridge:capability_sites{area=~"$area", state="not_ready"})', '{{capability}}')],
          { decimals: 0, thresholds: lib.steps([[null, lib.colour.calm], [1, lib.colour.not_ready]]) },
          [
            { matcher: { id: 'byName', options: name }, properties: [lib.property('displayName', lib.words.capabilities[name])] }
            for name in std.objectFields(lib.words.capabilities)
          ],
        ),
      ],
      [
        lib.timeline(
          t('Trạng thái theo thời gian', 'States over time'),
          t('Nhiều nhất 40 điểm cầu từng không sẵn sàng trong khoảng thời gian đang xem. Khoảng trống: không có số liệu. Trống cả là không nơi nào.',
            'At most 40 sites that were not ready at some time of the range shown. A gap means no data. Empty: none.'),
          24,
          14,
          [lib.over_time(|||
            bridge:site_verdict{area=~"$area"}
              and on (site) topk(40, max_over_time(bridge:site_verdict{area=~"$area"}[$__range] @ end()) >= 2)
          |||, '{{name}}')],
          lib.words.verdict_mappings,
        ),
      ],
    ],
    [lib.area],
  )
