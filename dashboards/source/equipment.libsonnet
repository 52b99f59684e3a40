// The rooms' equipment: what fails where, and which models.
function(lib)
  local t = lib.t;
  local in_area = 'on (site) group_left (name, area) max by (site, name, area) (bridge_info{area=~"$area"})';
  local count(state, description) = lib.count(
    lib.words.devices[state],
    description,
    6,
    4,
    'sum(bridge_device_state{state="%s"} and on (site) bridge_info{area=~"$area"})' % state,
    lib.words.device_colours[state]
  );
  lib.dashboard(
    'nhipcau-equipment',
    t('Nhịp Cầu: Thiết bị', 'Nhịp Cầu: Equipment'),
    t('Thiết bị trong phòng họp: thứ gì hỏng, ở đâu, loại nào.', "The rooms' equipment: what fails where, and which models."),
    [
      [
        count('ok', t('Thiết bị và dịch vụ dùng được.', 'Devices and services that can be used.')),
        count('degraded', t('Dùng được nhưng kém: âm lượng nhỏ, cổng chậm, không phải thiết bị mặc định…', 'Usable, but less well: low volume, slow port, not the default …')),
        count('missing', t('Phải có mà không thấy: tuột cáp, mất nguồn.', 'Expected and not found: cable or power.')),
        count('blocked', t('Có đó mà không dùng được: tắt tiếng, bị tắt, thiếu trình điều khiển.', 'There, and not to be used: muted, switched off, no driver.')),
      ],
      [
        lib.table(
          t('Cái gì hỏng ở đâu', 'What fails where'),
          t('Mỗi dòng một thiết bị có vấn đề. Trống là không có. Bấm vào tên để mở điểm cầu.', 'A line for each device in trouble. Empty: none. A click on the name opens the site.'),
          15,
          14,
          [lib.rows('topk(200, max by (site, probe, device, reason) (bridge_device_trouble) * %s)' % in_area)],
          [
            lib.column_site,
            lib.column_area,
            lib.column('device', t('Thiết bị', 'Device')),
            lib.column_reason,
            lib.column('probe', t('Phép đo', 'Probe'), [lib.width(110)]),
            lib.column('site', t('Mã', 'Id'), lib.hidden),
            lib.column('Value', t('Số', 'Number'), lib.hidden),
          ],
        ),
        lib.bars(
          t('Vì sao hỏng', 'Why they fail'),
          t('Số thiết bị theo lý do, nhiều nhất ở trên. Trống là không có gì hỏng.', 'Devices by reason, most first. Empty: nothing fails.'),
          9,
          14,
          'short',
          [lib.now('topk(12, count by (reason) (bridge_device_trouble and on (site) bridge_info{area=~"$area"}))', '{{reason}}')],
          { decimals: 0, thresholds: lib.steps([[null, lib.colour.not_ready]]), noValue: t('Không có gì hỏng', 'Nothing fails') },
          [{ matcher: { id: 'byName', options: code }, properties: [lib.property('displayName', lib.words.reasons[code])] } for code in std.objectFields(lib.words.reasons)],
        ),
      ],
      [
        lib.table(
          t('Theo loại thiết bị', 'By model'),
          t('Số thiết bị mỗi loại và bao nhiêu không dùng được; loại hay hỏng ở trên. Tên là do hệ điều hành hoặc cấu hình cho biết.',
            'Devices of each model and how many cannot be used; the worst first. Names are those of the system or the configuration.'),
          12,
          11,
          [
            lib.rows('sum by (device) (bridge_device_state and on (site) bridge_info{area=~"$area"})'),
            lib.rows('sum by (device) (bridge_device_state{state=~"missing|blocked"} and on (site) bridge_info{area=~"$area"})'),
            lib.rows('sum by (device) (bridge_device_state{state="degraded"} and on (site) bridge_info{area=~"$area"})'),
          ],
          [
            lib.column('device', t('Loại', 'Model')),
            lib.column('Value #A', t('Tất cả', 'All'), [lib.width(90)]),
            lib.column('Value #B', t('✖ Hỏng', '✖ Failed'), [lib.coloured, lib.limits([[null, 'transparent'], [1, lib.colour.not_ready]]), lib.width(100)]),
            lib.column('Value #C', t('▲ Hạn chế', '▲ Degraded'), [lib.coloured, lib.limits([[null, 'transparent'], [1, lib.colour.degraded]]), lib.width(110)]),
          ],
          [{ id: 'merge', options: {} }],
          sort=t('✖ Hỏng', '✖ Failed'),
        ),
        lib.series(
          t('Hạng mục chưa đạt theo thời gian', 'Failing capabilities over time'),
          t('Số điểm cầu chưa đạt ở từng hạng mục.', 'Sites that fail in each capability.'),
          12,
          11,
          'short',
          [lib.over_time('sum by (capability) (bridge:capability_sites{area=~"$area", state="not_ready"})', '{{capability}}')],
          { min: 0, decimals: 0 },
          [
            { matcher: { id: 'byName', options: name }, properties: [lib.property('displayName', lib.words.capabilities[name])] }
            for name in std.objectFields(lib.words.capabilities)
          ],
        ),
      ],
      [
        lib.table(
          t('Nguồn điện: đang chạy pin', 'Power: on battery'),
          t('Máy hoặc bộ lưu điện đang không có điện lưới. Trống là không có nơi nào.', 'PCs and UPSs without mains. Empty: none.'),
          12,
          9,
          [lib.rows('(max by (site) (bridge_host_mains_online == 0 or bridge_ups_mains_online == 0) + 1) * %s' % in_area)],
          [
            lib.column_site,
            lib.column_area,
            lib.column('Value', t('Trạng thái', 'State'), [lib.mapped([{ type: 'value', options: { '1': { text: t('▲ Chạy pin', '▲ On battery'), color: lib.colour.degraded, index: 0 } } }]), lib.coloured, lib.left]),
            lib.column('site', t('Mã', 'Id'), lib.hidden),
          ],
        ),
        lib.table(
          t('Chờ khởi động lại', 'Restart pending'),
          t('Máy phải khởi động lại để cài xong bản cập nhật; làm trước giờ họp. Trống là không có nơi nào.',
            'PCs that must restart to finish an update; do it before the meeting. Empty: none.'),
          12,
          9,
          [lib.rows('max by (site) (bridge_host_restart_pending == 1) * %s' % in_area)],
          [
            lib.column_site,
            lib.column_area,
            lib.column('Value', t('Trạng thái', 'State'), [lib.mapped(lib.words.notice_mappings(t('▲ Chờ khởi động lại', '▲ Restart pending'), t('✔ Không', '✔ No'))), lib.coloured, lib.left]),
            lib.column('site', t('Mã', 'Id'), lib.hidden),
          ],
        ),
      ],
    ],
    [lib.area],
  )
