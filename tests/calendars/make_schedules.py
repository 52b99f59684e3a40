#!/usr/bin/env python3
"""Writes the workbooks of this directory anew, with openpyxl (https://openpyxl.readthedocs.io).

The offices, meetings and people are made up; where titles, merged cells, headings, ways to write
days and times, notes and signatures come from stands in README.md.
"""

import datetime
from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font

HERE = Path(__file__).parent


def save(book, name):
    # As on the Friday before the week, whenever this runs.
    book.properties.created = book.properties.modified = datetime.datetime(2026, 11, 13, 16, 0)
    book.save(HERE / name)


def put(sheet, rows):
    for row in rows:
        sheet.append(row)
    for cells in sheet.iter_rows():
        for cell in cells:
            cell.alignment = Alignment(wrap_text=True, vertical="center")


def province():
    """Day and half of the day in merged cells, the time before the subject, notes, a signature."""
    book = Workbook()
    sheet = book.active
    sheet.title = "Tuần 47"
    put(sheet, [
        ["UBND TỈNH", None, None, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"],
        ["VĂN PHÒNG", None, None, "Độc lập - Tự do - Hạnh phúc"],
        [None, None, None, "ngày 13 tháng 11 năm 2026"],
        ["LỊCH HỌP TRỰC TUYẾN TUẦN 47"],
        ["(Từ ngày 16/11/2026 đến ngày 22/11/2026)"],
        [],
        ["Ngày", "Buổi", "Nội dung\ncông việc", "Địa điểm", "Thành phần dự\n(điểm cầu)", "Chủ trì", "Phương tiện"],
        ["Thứ 2\n\n16/11", "Sáng", "(7h30) Giao ban trực tuyến tuần", "P. họp TV", "Tất cả các điểm cầu, trừ UBND xã Hoằng Quỳ", "Chủ tịch", None],
        [None, "Chiều", "(13h30-15h00) Hội nghị phòng, chống bão số 12", "P. họp 5", "- UBND xã Hoằng Lộc;\n- UBND xa Hoang Quy;\n- Ban Chỉ huy PCTT", "PCT", None],
        [None, None, "2 giờ 30’: Họp bàn nông thôn mới", "P. họp 1", "Hoằng Hóa", None, None],
        ["Thứ 3\n\n17/11", "Sáng", "Làm việc tại cơ quan", None, None, None, None],
        [None, "Chiều", "- 14h00: Họp tổ công tác\n- 16h00: Giao ban khối kinh tế", "P. họp 2", "UBND xã Hoằng Lộc", None, None],
        ["Thứ 4\n\n19/11", "Sáng", "(25h00) Họp báo", None, "UBND tỉnh", None, None],
        ["Thứ 6\n\n20/11", None, "8 giờ 00’: Kỷ niệm ngày Nhà giáo", None, "UBND tỉnh\nUBND xã Hoằng Lộc", None, None],
        [None, None, None, None, "UBND xã Hoằng Quỳ", None, None],
        [],
        ["Ghi chú: Lịch này thay giấy mời họp."],
        [None, None, None, None, "TL. CHỦ TỊCH\nCHÁNH VĂN PHÒNG"],
    ])
    for area in ["A4:G4", "A5:G5", "A8:A10", "B9:B10", "A11:A12", "A14:A15", "A17:G17"]:
        sheet.merge_cells(area)
    sheet["A4"].font = Font(bold=True)
    save(book, "lich-tuan-47.xlsx")


def commune():
    """A day over its meetings, true dates and times, two sheets across New Year, one hidden."""
    book = Workbook()
    for title, days in [
        ("Tuần 53", [("THỨ HAI (28/12/2026)", [(datetime.time(7, 30), datetime.time(9, 0), "Giao ban xã")]),
                     ("THỨ NĂM (31/12)", [("08 giờ 00’", None, "Tổng kết năm")]),
                     ("THỨ SÁU (01/01)", [("Nghỉ Tết dương lịch", None, "Trực")])]),
        ("Tuần 1", [("THỨ HAI (04/01)", [(datetime.time(7, 30), "9g00", "Giao ban xã")])]),
    ]:
        sheet = book.create_sheet(title)
        put(sheet, [["LỊCH LÀM VIỆC CỦA ỦY BAN NHÂN DÂN XÃ"], ["Lịch này thay thư mời họp"]])
        sheet.append(["Mã", "Giờ", "Kết thúc", "Nội dung", "Thành phần"])
        number = 0
        for day, meetings in days:
            sheet.append([day])
            sheet.merge_cells(start_row=sheet.max_row, end_row=sheet.max_row, start_column=1, end_column=5)
            for start, end, subject in meetings:
                number += 1
                sheet.append([f"xa-{title[5:]}-{number}", start, end, subject, "100% điểm cầu"])
        sheet.merge_cells("A1:E1")
    typed = book.create_sheet("Họp khác")
    put(typed, [["Ngày họp", "Giờ họp", "Thời lượng", "Tên cuộc họp", "Điểm cầu"]])
    typed.append([datetime.date(2026, 12, 29), datetime.time(8, 0), "90 phút", "Tập huấn phần mềm", "th-0316, UBND tỉnh"])
    typed.append([datetime.datetime(2026, 12, 30, 14, 15), None, "1h30", "Tập huấn phần mềm", "th-0316"])
    hidden = book.create_sheet("Mẫu cũ")
    put(hidden, [["Ngày", "Nội dung"], ["16/11/2026 7h30", "Không họp"]])
    hidden.sheet_state = "hidden"
    del book["Sheet"]
    save(book, "lich-xa.xlsx")


province()
commune()
