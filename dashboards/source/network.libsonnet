// The lines: what fails together, and which are worst.
function(lib)
  local t = lib.t;
  local worst(title, description, metric, unit, steps, decimals) = lib.table(
    title,
    description,
    12,
    11,
    [lib.rows('topk(20, %s{area=~"$area", uplink=~"$uplink"})' % metric)],
    [
      lib.column('Value', t('Trị số', 'Value'), [lib.unit(unit), lib.property('decimals', decimals), lib.coloured, lib.limits(steps), lib.width(100)]),
      lib.column_site,
      lib.column('probe', t('Phép đo', 'Probe'), [lib.width(110)]),
      lib.column_area,
      lib.column_uplink,
      lib.column('site', t('Mã', 'Id'), lib.hidden),
    ],
    sort=t('Trị số', 'Value'),
  );
  local loss = [
    lib.unit('percentunit'),
    lib.property('decimals', 1),
    lib.property('noValue', '–'),
    lib.coloured,
    lib.limits([[null, 'transparent'], [0.01, lib.colour.degraded], [0.05, lib.colour.not_ready]]),
    lib.width(100),
  ];
  local round_trip = [
    lib.unit('s'),
    lib.property('decimals', 0),
    lib.property('noValue', '–'),
    lib.coloured,
    lib.limits([[null, 'transparent'], [0.15, lib.colour.degraded], [0.3, lib.colour.not_ready]]),
    lib.width(110),
  ];
  local of_provider(metric) =
    'avg by (provider) (%s{area=~"$area", uplink=~"$uplink"} * on (site) group_left (provider) max by (site, provider) (bridge_line_info))' % metric;
  local sites_of_provider(those) =
    'count by (provider) (max by (site, provider) (bridge_line_info) and on (site) %s)' % those;
  local in_view = 'bridge_info{area=~"$area", uplink=~"$uplink"}';
  local of_uplink(metric) = 'avg by (uplink) (%s{area=~"$area", uplink=~"$uplink"})' % metric;
  lib.dashboard(
    'nhipcau-network',
    t('Nhịp Cầu: Đường truyền', 'Nhịp Cầu: Network'),
    t('Đường truyền: nơi nào cùng hỏng, nơi nào kém nhất.', 'The lines: what fails together, and which are worst.'),
    [
      [
        lib.common_causes(10, 9),
        lib.table(
          t('Từng đường truyền', 'Each uplink'),
          t('Số điểm cầu, số nơi im lặng, mất gói và trễ trung bình năm phút qua; im lặng nhiều nhất ở trên.',
            'Sites, how many are silent, and mean loss and round trip of five minutes; most silent first.'),
          14,
          9,
          [
            lib.rows('sum by (uplink) (bridge:sites{area=~"$area", uplink=~"$uplink"})'),
            lib.rows('sum by (uplink) (bridge:sites_silent{area=~"$area", uplink=~"$uplink"})'),
            lib.rows(of_uplink('bridge:probe_loss_ratio:mean5m')),
            lib.rows(of_uplink('bridge:probe_rtt_seconds:mean5m')),
          ],
          [
            lib.column('uplink', t('Đường truyền', 'Uplink'), [lib.to_uplink]),
            lib.column('Value #A', t('Điểm cầu', 'Sites'), [lib.width(90)]),
            lib.column('Value #B', t('? Im lặng', '? Silent'), [lib.coloured, lib.limits([[null, 'transparent'], [1, lib.colour.unknown]]), lib.width(100)]),
            lib.column('Value #C', t('Mất gói', 'Loss'), loss),
            lib.column('Value #D', t('Trễ khứ hồi', 'Round trip'), round_trip),
          ],
          [{ id: 'merge', options: {} }],
          sort=t('? Im lặng', '? Silent'),
        ),
      ],
      [
        lib.table(
          t('Từng nhà mạng', 'Each provider'),
          t('Số điểm cầu, số nơi im lặng, mất gói và trễ trung bình năm phút qua, theo nhà mạng ghi trong danh mục. Trống là danh mục chưa ghi nhà mạng nào.',
            'Sites, how many are silent, and mean loss and round trip of five minutes, by the provider that the inventory names. Empty: it names none.'),
          10,
          9,
          [
            lib.rows(sites_of_provider(in_view)),
            lib.rows(sites_of_provider('(bridge_up == 0) and on (site) ' + in_view)),
            lib.rows(of_provider('bridge:probe_loss_ratio:mean5m')),
            lib.rows(of_provider('bridge:probe_rtt_seconds:mean5m')),
          ],
          [
            lib.column('provider', t('Nhà mạng', 'Provider')),
            lib.column('Value #A', t('Điểm cầu', 'Sites'), [lib.width(90)]),
            lib.column('Value #B', t('? Im lặng', '? Silent'), [
              lib.property('noValue', '0'),
              lib.coloured,
              lib.limits([[null, 'transparent'], [1, lib.colour.unknown]]),
              lib.width(90),
            ]),
            lib.column('Value #C', t('Mất gói', 'Loss'), loss),
            lib.column('Value #D', t('Trễ khứ hồi', 'Round trip'), round_trip),
          ],
          [{ id: 'merge', options: {} }],
          sort=t('? Im lặng', '? Silent'),
        ),
        lib.series(
          t('Mất gói theo nhà mạng', 'Loss by provider'),
          t('Trung bình các điểm cầu của mỗi nhà mạng.', 'Mean over the sites of each provider.'),
          7,
          9,
          'percentunit',
          [lib.over_time(of_provider('bridge:probe_loss_ratio:mean5m'), '{{provider}}')],
          { min: 0 },
        ),
        lib.series(
          t('Trễ theo nhà mạng', 'Round trip by provider'),
          t('Trung bình các điểm cầu của mỗi nhà mạng.', 'Mean over the sites of each provider.'),
          7,
          9,
          's',
          [lib.over_time(of_provider('bridge:probe_rtt_seconds:mean5m'), '{{provider}}')],
          { min: 0 },
        ),
      ],
      [
        worst(
          t('20 đường mất gói nhiều nhất', 'The 20 lines with most loss'),
          t('Trung bình năm phút qua. Trên 1 % là kém, trên 5 % là hỏng.', 'Mean of five minutes. Above 1 % is poor, above 5 % is broken.'),
          'bridge:probe_loss_ratio:mean5m',
          'percentunit',
          [[null, 'transparent'], [0.01, lib.colour.degraded], [0.05, lib.colour.not_ready]],
          1,
        ),
        worst(
          t('20 đường trễ nhất', 'The 20 slowest lines'),
          t('Trễ khứ hồi trung bình năm phút qua. Trên 150 ms là kém, trên 300 ms là hỏng.', 'Mean round trip of five minutes. Above 150 ms is poor, above 300 ms is broken.'),
          'bridge:probe_rtt_seconds:mean5m',
          's',
          [[null, 'transparent'], [0.15, lib.colour.degraded], [0.3, lib.colour.not_ready]],
          0,
        ),
      ],
      [
        lib.series(
          t('Mất gói theo đường truyền', 'Loss by uplink'),
          t('Trung bình các điểm cầu của mỗi đường truyền; 10 đường kém nhất.', 'Mean over the sites of each uplink; the 10 worst.'),
          8,
          9,
          'percentunit',
          [lib.over_time('topk(10, %s)' % of_uplink('bridge:probe_loss_ratio:mean5m'), '{{uplink}}')],
          { min: 0 },
        ),
        lib.series(
          t('Trễ theo đường truyền', 'Round trip by uplink'),
          t('Trung bình các điểm cầu của mỗi đường truyền; 10 đường trễ nhất.', 'Mean over the sites of each uplink; the 10 slowest.'),
          8,
          9,
          's',
          [lib.over_time('topk(10, %s)' % of_uplink('bridge:probe_rtt_seconds:mean5m'), '{{uplink}}')],
          { min: 0 },
        ),
        lib.series(
          t('Điểm cầu im lặng theo đường truyền', 'Silent sites by uplink'),
          t('Không có bản tin nào còn hạn; 10 đường nhiều nhất. Tăng vọt cùng lúc là sự cố dùng chung.', 'No report within its time to live; the 10 with most. A sudden rise is a common cause.'),
          8,
          9,
          'short',
          [lib.over_time('topk(10, sum by (uplink) (bridge:sites_silent{area=~"$area", uplink=~"$uplink"}))', '{{uplink}}')],
          { min: 0, decimals: 0 },
        ),
      ],
    ],
    [lib.area, lib.uplink],
  )
