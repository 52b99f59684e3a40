// What is reported upward: how ready the areas were at the roll calls.
function(lib)
  local t = lib.t;
  local asked(by) = 'sum by (%s) (sum_over_time(bridge:roll_call_sites{area=~"$area", state!="excused"}[$__range]))' % by;
  local ready(by) = 'sum by (%s) (sum_over_time(bridge:roll_call_sites{area=~"$area", state=~"ready|degraded"}[$__range]))' % by;
  local lost(by) = 'sum by (%s) (sum_over_time(bridge:roll_call_lost_sites{area=~"$area"}[$__range]))' % by;
  local ratio(by) = '%s / (%s > 0)' % [ready(by), asked(by)];
  lib.dashboard(
    'nhipcau-monthly',
    t('Nhịp Cầu: Tháng', 'Nhịp Cầu: Monthly'),
    t('Sẵn sàng lúc điểm danh, theo địa bàn và cuộc họp. Báo cáo chính thức: nhipcau-collector report --month.',
      'Readiness at the roll calls, by area and meeting. The report that counts: nhipcau-collector report --month.'),
    [
      [
        lib.stat(
          t('Cuộc họp', 'Meetings'),
          t('Số cuộc họp đã điểm danh trong khoảng thời gian đang xem.', 'Meetings whose roll was called in the range shown.'),
          6,
          4,
          'short',
          [lib.now('count(count by (meeting) (last_over_time(bridge:roll_call_sites[$__range])))')],
          { decimals: 0 },
        ),
        lib.stat(
          t('Sẵn sàng lúc điểm danh', 'Ready at the roll call'),
          t('Sẵn sàng và hạn chế, trên số lượt điểm cầu phải dự trừ vắng có lý do.', 'Ready and degraded, of all that were asked without the excused.'),
          6,
          4,
          'percentunit',
          [lib.now('sum(%s) / (sum(%s) > 0)' % [ready('area'), asked('area')])],
          { decimals: 1, thresholds: lib.steps([[null, lib.colour.not_ready], [0.9, lib.colour.degraded], [0.98, lib.colour.ready]]) },
        ),
        lib.stat(
          t('Lượt thiếu', 'Missed'),
          t('Số lượt điểm cầu chưa sẵn sàng hoặc không rõ lúc điểm danh.', 'Sites that were not ready or unknown at a roll call.'),
          6,
          4,
          'short',
          [lib.now('sum(%s) - sum(%s)' % [asked('area'), ready('area')])],
          { decimals: 0, thresholds: lib.steps([[null, lib.colour.calm], [1, lib.colour.not_ready]]) },
        ),
        lib.stat(
          t('Sẵn sàng mà rớt', 'Ready, then lost'),
          t('Sẵn sàng lúc điểm danh nhưng mười phút sau thì hỏng: dấu hiệu của sẵn sàng giả. Báo sai thật, tính theo người dự, có trong báo cáo tháng của máy chủ.',
            "Ready at the roll call and failing ten minutes later: a sign of false readiness. False ready by true attendance stands in the collector's report of the month."),
          6,
          4,
          'short',
          [lib.now('sum(%s) or sum(%s) * 0' % [lost('area'), asked('area')])],
          { decimals: 0, thresholds: lib.steps([[null, lib.colour.calm], [1, lib.colour.degraded]]) },
        ),
      ],
      [
        lib.table(
          t('Theo địa bàn, thấp nhất ở trên', 'By area, lowest first'),
          t('Trên số lượt điểm cầu phải dự của địa bàn trong khoảng thời gian đang xem.', "Of all that were asked in the area during the range shown."),
          12,
          11,
          [lib.rows(lib.area_named(expr)) for expr in [ratio('area'), asked('area'), '%s - %s' % [asked('area'), ready('area')], '%s or %s * 0' % [lost('area'), asked('area')]]],
          lib.columns_area + [
            lib.column('Value #A', t('Sẵn sàng', 'Ready'), lib.share),
            lib.column('Value #B', t('Lượt phải dự', 'Asked'), [lib.width(110)]),
            lib.column('Value #C', t('✖ Thiếu', '✖ Missed'), [lib.width(90)]),
            lib.column('Value #D', t('▲ Rớt', '▲ Lost'), [lib.width(80)]),
          ],
          [
            { id: 'merge', options: {} },
            { id: 'sortBy', options: { sort: [{ field: 'Value #A', desc: false }] } },
          ],
        ),
        lib.table(
          t('Từng cuộc họp', 'Each meeting'),
          t('Tỷ lệ sẵn sàng lúc điểm danh.', 'Share that was ready at the roll call.'),
          12,
          11,
          [lib.rows(ratio('meeting, title')), lib.rows(asked('meeting, title')), lib.rows('%s - %s' % [asked('meeting, title'), ready('meeting, title')])],
          [
            lib.column('title', t('Cuộc họp', 'Meeting')),
            lib.column('meeting', t('Mã cuộc họp', 'Meeting id')),
            lib.column('Value #A', t('Sẵn sàng', 'Ready'), lib.share),
            lib.column('Value #B', t('Phải dự', 'Asked'), [lib.width(90)]),
            lib.column('Value #C', t('✖ Thiếu', '✖ Missed'), [lib.width(90)]),
          ],
          [{ id: 'merge', options: {} }],
        ),
      ],
      [
        lib.table(
          t('Điểm cầu thiếu nhiều nhất', 'Sites that missed most'),
          t('Số lần chưa sẵn sàng hoặc không rõ lúc điểm danh, nhiều nhất 20 nơi. Trống là không nơi nào thiếu.',
            'How often a site was not ready or unknown at a roll call, at most 20. Empty: none.'),
          12,
          11,
          [lib.rows('topk(20, sum by (site, name, area) (sum_over_time(bridge:roll_call_missing{area=~"$area"}[$__range])))')],
          [
            lib.column('Value', t('✖ Lần', '✖ Times'), [lib.width(90)]),
            lib.column_site,
            lib.column_area,
            lib.column_id,
          ],
          sort=t('✖ Lần', '✖ Times'),
        ),
        lib.series(
          t('Tỷ lệ điểm cầu họp được', 'Share of sites that can meet'),
          t('Lúc nào cũng tính, cả ngoài giờ họp, nên thấp hơn lúc điểm danh: phòng không họp thường tắt máy.',
            'At all hours, also outside meetings, thus lower than at roll calls: idle rooms are switched off.'),
          12,
          11,
          'percentunit',
          [lib.over_time(lib.area_named(|||
            sum by (area) (bridge:sites{area=~"$area", state=~"ready|degraded"}) / (sum by (area) (bridge:sites{area=~"$area", state!="excused"}) > 0)
          |||), '{{area_name}}')],
          { min: 0, max: 1 },
        ),
      ],
    ],
    [lib.area],
    from='now/M',
    refresh='5m',
  )
