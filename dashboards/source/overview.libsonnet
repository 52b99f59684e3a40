// Readiness: one look tells who is ready for the next meeting. Made for the wall.
function(lib)
  local t = lib.t;
  local starts = 'max by (title) (bridge:meeting_starts_in_seconds * on (meeting) group_left (title) max by (meeting, title) (bridge_meeting_info))';
  local of_meeting(state) = lib.rows('max by (meeting) (bridge_meeting_sites{state="%s"})' % state);
  local of_area(state) = lib.rows(lib.area_named('sum by (area) (bridge:sites{area=~"$area", uplink=~"$uplink", state="%s"})' % state));
  local count(state, description) = lib.count(
    lib.words.verdicts[state],
    description,
    3,
    5,
    'sum(bridge:sites{area=~"$area", uplink=~"$uplink", state="%s"})' % state,
    lib.colour[state]
  );
  local number(field, state) = lib.column(field, lib.words.verdicts[state], [
    lib.coloured,
    lib.centred,
    // Not known before an hour ahead.
    lib.property('noValue', '–'),
    lib.limits([[null, 'transparent'], [1, lib.colour[state]]]),
    lib.width(118),
  ]);

  lib.dashboard(
    'nhipcau-overview',
    t('Nhịp Cầu: Sẵn sàng họp', 'Nhịp Cầu: Readiness'),
    t('Nhìn một cái biết điểm cầu nào họp được: đếm ngược, số lượng theo trạng thái, nơi cần gọi trước.',
      'One look tells who is ready: countdown, counts by state, whom to call first.'),
    [
      [
        lib.stat(
          t('Cuộc họp gần nhất', 'Next meetings'),
          t('Thời gian còn lại đến cuộc họp kế tiếp trong 24 giờ tới, và cuộc vừa bắt đầu gần nhất. Vàng: còn dưới 15 phút. Cam: còn dưới 5 phút.',
            'Time left until the next meeting of 24 hours, and the one that began last. Amber: less than 15 minutes. Orange: less than 5.'),
          9,
          5,
          'dthms',
          [
            // The next one always has its place, however many are in session.
            lib.now('bottomk(1, %s > 0) or (%s)' % [starts, lib.no_meeting], '{{title}}'),
            lib.now('topk(1, %s <= 0)' % starts, '{{title}}'),
          ],
          {
            mappings: lib.words.countdown_mappings,
            thresholds: lib.steps([[null, lib.colour.not_ready], [300, lib.colour.degraded], [900, lib.colour.calm]]),
          },
          { textMode: 'value_and_name', text: { titleSize: 20, valueSize: 36 } },
        ),
        count('ready', t('Điểm cầu có đủ mọi thứ cuộc họp cần, với số liệu còn mới.', 'Sites that have all that a meeting needs, with fresh evidence.')),
        count('degraded', t('Họp được nhưng kém: mất gói, trễ, âm lượng nhỏ…', 'They can meet, but less well: loss, delay, low volume …')),
        count('not_ready', t('Biết rõ có thứ hỏng. Gọi trước.', 'Something is known to fail. Call these first.')),
        count('unknown', t('Không có số liệu mới: máy tắt, mất mạng hoặc chưa đo. Không phải là tốt.', 'No fresh evidence: switched off, cut off or not measured. It does not mean well.')),
        count('excused', t('Vắng đã thống nhất hoặc đang bảo trì. Không cảnh báo.', 'Agreed absence or maintenance. Raises no alarm.')),
      ],
      [
        lib.table(
          t('Các cuộc họp trong 24 giờ tới', 'Meetings of the next 24 hours'),
          t('Số điểm cầu theo trạng thái có từ 60 phút trước giờ họp. Bấm vào tên để mở cuộc họp.',
            'Sites by state are known from 60 minutes before the start. A click on the title opens the meeting.'),
          17,
          6,
          [
            lib.rows('max by (meeting, title) (bridge_meeting_start_timestamp_seconds * on (meeting) group_left (title) max by (meeting, title) (bridge_meeting_info)) * 1000'),
            lib.rows('max by (meeting) (bridge:meeting_starts_in_seconds)'),
          ] + [of_meeting(state) for state in ['ready', 'degraded', 'not_ready', 'unknown', 'excused']],
          [
            lib.column('title', t('Cuộc họp', 'Meeting'), [lib.to_meeting]),
            lib.column('Value #A', t('Bắt đầu', 'Start'), [lib.unit('time:DD/MM HH:mm'), lib.width(105)]),
            lib.column('Value #B', t('Còn lại', 'Time left'), [
              lib.unit('dthms'),
              lib.width(105),
              lib.mapped([{ type: 'range', options: { from: null, to: 0, result: { text: t('▶ Đang họp', '▶ In session'), index: 0 } } }]),
            ]),
            number('Value #C', 'ready'),
            number('Value #D', 'degraded'),
            number('Value #E', 'not_ready'),
            number('Value #F', 'unknown'),
            number('Value #G', 'excused'),
            lib.column('meeting', t('Mã cuộc họp', 'Meeting id'), lib.hidden),
          ],
          [
            { id: 'merge', options: {} },
            { id: 'sortBy', options: { sort: [{ field: 'Value #A', desc: false }] } },
          ],
        ),
        lib.common_causes(7, 6),
      ],
      [
        lib.table(
          t('Cần xử lý, nặng nhất ở trên', 'To be dealt with, worst first'),
          t('Mỗi dòng một lý do; chưa sẵn sàng đứng trước không rõ, rồi đến hạn chế. Nhiều nhất 100 dòng, trống là không có. Bấm vào tên để mở điểm cầu.',
            'A line for each reason; not ready comes before unknown, then degraded. At most 100 lines. Empty: none. A click on the name opens the site.'),
          15,
          14,
          [lib.rows(|||
            topk(100,
                max by (site, capability, reason) (bridge_ready_reason)
                  * on (site) group_left (name, area, uplink) (bridge:site_verdict{area=~"$area", uplink=~"$uplink"} >= 2)
              or
                (bridge:site_verdict{area=~"$area", uplink=~"$uplink"} >= 2 unless on (site) bridge_ready_reason)
            )
          |||)],
          [
            lib.column_verdict(),
            lib.column_site,
            lib.column_area,
            lib.column_capability,
            lib.column_reason,
            lib.column('uplink', t('Đường truyền', 'Uplink'), lib.hidden),
            lib.column('site', t('Mã', 'Id'), lib.hidden),
          ],
          sort=t('Trạng thái', 'State'),
        ),
        lib.table(
          t('Theo địa bàn', 'By area'),
          t('Tỷ lệ họp được (sẵn sàng và hạn chế) trên số điểm cầu phải có, trừ nơi vắng có lý do; thấp nhất ở trên.',
            'Share that can meet (ready and degraded) of the expected sites without the excused; lowest first.'),
          9,
          14,
          [
            lib.rows(lib.area_named(|||
              sum by (area) (bridge:sites{area=~"$area", uplink=~"$uplink", state=~"ready|degraded"})
                / (sum by (area) (bridge:sites{area=~"$area", uplink=~"$uplink", state!="excused"}) > 0)
            |||)),
            of_area('not_ready'),
            of_area('unknown'),
            of_area('degraded'),
          ],
          lib.columns_area + [
            lib.column('Value #A', t('Họp được', 'Can meet'), lib.share),
            lib.column('Value #B', '✖', [lib.coloured, lib.limits([[null, 'transparent'], [1, lib.colour.not_ready]]), lib.width(55)]),
            lib.column('Value #C', '?', [lib.coloured, lib.limits([[null, 'transparent'], [1, lib.colour.unknown]]), lib.width(55)]),
            lib.column('Value #D', '▲', [lib.coloured, lib.limits([[null, 'transparent'], [1, lib.colour.degraded]]), lib.width(55)]),
          ],
          [
            { id: 'merge', options: {} },
            { id: 'sortBy', options: { sort: [{ field: 'Value #A', desc: false }] } },
          ],
        ),
      ],
      [
        lib.series(
          t('Số điểm cầu theo trạng thái', 'Sites by state'),
          t('Xếp chồng; đáy là sẵn sàng. Khoảng trống nghĩa là không có số liệu.', 'Stacked, ready at the bottom. A gap means that there are no data.'),
          24,
          8,
          'short',
          [lib.over_time('sum by (state) (bridge:sites{area=~"$area", uplink=~"$uplink", state="%s"})' % state, '{{state}}')
           for state in ['ready', 'degraded', 'not_ready', 'unknown', 'excused']],
          { min: 0, decimals: 0, custom: { drawStyle: 'line', lineWidth: 1, fillOpacity: 70, showPoints: 'never', stacking: { mode: 'normal', group: 'A' } } },
          lib.verdict_series,
        ),
      ],
    ],
    [lib.area, lib.uplink],
  )
