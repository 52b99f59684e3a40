use proptest::prelude::*;

use super::*;

/// `Monday 16/11/2026 Morning 07:30-11:30`, and `?` for what is strange.
fn told(when: &When) -> String {
    let mut words = Vec::new();
    words.extend(when.weekday.map(|weekday| format!("{weekday:?}")));
    for Written { day, month, year } in &when.dates {
        let year = year.map_or(String::new(), |year| format!("/{year}"));
        words.push(format!("{day}/{month}{year}"));
    }
    words.extend(when.session.map(|session| format!("{session:?}")));
    for Hours { start, end } in &when.times {
        let end = end.map_or(String::new(), |end| format!("-{}", end.strftime("%H:%M")));
        words.push(format!("{}{end}", start.strftime("%H:%M")));
    }
    if when.strange {
        words.push("?".to_owned());
    }
    words.join(" ")
}

#[test]
fn days_and_times_are_read_however_they_are_written() {
    for (text, expected) in [
        ("07h30", "07:30"),
        ("7h30’", "07:30"),
        ("7g30", "07:30"),
        ("7g", "07:00"),
        ("8 giờ 00’", "08:00"),
        ("8 giờ", "08:00"),
        ("14 giờ 30 phút", "14:30"),
        ("8gio\u{300}00'", "08:00"),
        ("07:30", "07:30"),
        ("7:30:00", "07:30"),
        ("2:15 PM", "14:15"),
        ("Từ 7h30 đến 11h30", "07:30-11:30"),
        ("13h30 – 16h00", "13:30-16:00"),
        ("13h30-16h00'", "13:30-16:00"),
        ("Thứ Hai 16/11", "Monday 16/11"),
        ("Thứ 2\n\n14/7", "Monday 14/7"),
        ("THỨ HAI (09/02/2026):", "Monday 9/2/2026"),
        ("Thứ Tư, ngày 18 tháng 11 năm 2026", "Wednesday 18/11/2026"),
        ("T7 21-11-2026", "Saturday 21/11/2026"),
        ("Chủ nhật\n22.11.26", "Sunday 22/11/2026"),
        ("CN", "Sunday"),
        ("Thứ năm", "Thursday"),
        ("2026-11-16", "16/11/2026"),
        ("Sáng 16/11 (8h30)", "16/11 Morning 08:30"),
        ("7h 16/11", "16/11 07:00"),
        ("2h chiều", "Afternoon 02:00"),
        ("08/11/2026 07:30", "8/11/2026 07:30"),
        ("7h30 và 14h00", "07:30 14:00"),
        ("Cả ngày", ""),
        ("Họp lúc 7.30", ""),
        ("thứ 8", ""),
        ("0912345678", ""),
        ("25h00", "?"),
        ("7h75", "?"),
        ("32/11", "32/11 ?"),
        ("16-18/11", "18/11 ?"),
        ("", ""),
    ] {
        assert_eq!(told(&When::read(text)), expected, "{text}");
    }
}

#[test]
fn a_time_may_stand_before_the_subject() {
    for (text, start, rest) in [
        ("(8h30) Hội nghị Thường trực", "08:30", "Hội nghị Thường trực"),
        ("- 07 giờ 30’: Họp giao ban", "07:30", "Họp giao ban"),
        ("1. 8h30 - 10h: Họp", "08:30", "Họp"),
        ("13h30, làm việc với xã", "13:30", "làm việc với xã"),
        ("Từ 9h00 Họp", "09:00", "Họp"),
    ] {
        let (hours, found) = leading(text).unwrap_or_else(|| panic!("{text}"));
        assert_eq!((hours.start.strftime("%H:%M").to_string().as_str(), found), (start, rest));
    }
    for text in ["Họp lúc 8h30", "1. Giao ban", "16/11 họp", "8h30", "", "(", "2026"] {
        assert_eq!(leading(text), None, "{text}");
    }
}

#[test]
fn a_length_is_hours_or_minutes() {
    for (text, expected) in [
        ("2h30", Some(150)),
        ("2 giờ", Some(120)),
        ("90 phút", Some(90)),
        ("2 tiếng", Some(120)),
        ("2 giờ 15'", Some(135)),
        ("lâu", None),
        ("2", None),
    ] {
        assert_eq!(minutes(text), expected, "{text}");
    }
}

#[test]
fn a_session_says_which_half_of_the_day() {
    let at = |hour| Time::constant(hour, 30, 0, 0);
    for (session, hour, lifted, holds) in [
        (Session::Morning, 7, 7, true),
        (Session::Morning, 14, 14, false),
        (Session::Afternoon, 2, 14, true),
        (Session::Afternoon, 14, 14, true),
        (Session::Afternoon, 8, 8, false),
        (Session::Evening, 7, 19, true),
        (Session::Evening, 19, 19, true),
        (Session::Noon, 1, 13, true),
    ] {
        let found = session.lift(at(hour));
        assert_eq!((found, session.holds(found)), (at(lifted), holds), "{session:?} {hour}");
    }
}

proptest! {
    #[test]
    fn whatever_is_written_is_read_back(
        day in 1_i8..=31, month in 1_i8..=12, year in 2000_i16..2100,
        hour in 0_i8..24, minute in 0_i8..60,
        date_shape in 0_usize..6, time_shape in 0_usize..6, day_before in any::<bool>(),
    ) {
        let date = [
            format!("{day}/{month}/{year}"),
            format!("{day:02}/{month:02}/{year}"),
            format!("{day}-{month}-{year}"),
            format!("{day}.{month}.{year}"),
            format!("ngày {day} tháng {month} năm {year}"),
            format!("{year}-{month:02}-{day:02}"),
        ];
        let time = [
            format!("{hour}h{minute:02}"),
            format!("{hour:02}h{minute:02}’"),
            format!("{hour} giờ {minute:02} phút"),
            format!("{hour}g{minute:02}"),
            format!("{hour}:{minute:02}"),
            format!("{hour:02}:{minute:02}:00"),
        ];
        let (date, time) = (&date[date_shape], &time[time_shape]);
        let text = if day_before { format!("{date} {time}") } else { format!("({time}) {date}") };
        let when = When::read(&text);
        prop_assert_eq!(&when.dates, &[Written { day, month, year: Some(year) }]);
        prop_assert_eq!(when.times.len(), 1, "{}", text);
        let start = when.times[0].start;
        prop_assert_eq!((start.hour(), start.minute()), (hour, minute));
        prop_assert!(!when.strange);
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC*", shaped in "(thứ |[0-9]{1,4}|[/.:’ -]|h|giờ|chiều|tháng|năm|đến){0,20}") {
        for text in [text, shaped] {
            let _ = (When::read(&text), leading(&text), minutes(&text));
        }
    }
}
