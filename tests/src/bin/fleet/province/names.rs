//! The names a province is made of. All of it is invented: no commune, person or number exists.

/// What the province is called, as area and in ids.
pub(super) const PROVINCE: (&str, &str) = ("lam-giang", "Tỉnh Lam Giang");

/// A part of the province, with what lies in it.
pub(super) struct Region {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) districts: &'static [District],
}

/// What was a district until 2025 and still is how people group communes: id, name, the first
/// syllable of its communes' names, latitude and longitude.
pub(super) type District = (&'static str, &'static str, &'static str, f64, f64);

/// The regions, the plain first.
#[rustfmt::skip]
pub(super) const REGIONS: &[Region] = &[
    Region { id: "dong-bang", name: "Vùng đồng bằng", districts: &[
        ("hoang-giang", "Khu vực Hoằng Giang", "Hoằng", 19.85, 105.86),
        ("dong-son", "Khu vực Đông Sơn", "Đông", 19.80, 105.72),
        ("thieu-chau", "Khu vực Thiệu Châu", "Thiệu", 19.89, 105.66),
        ("yen-dinh", "Khu vực Yên Dinh", "Yên", 19.98, 105.64),
        ("vinh-phuc", "Khu vực Vĩnh Phúc Giang", "Vĩnh", 20.04, 105.70),
        ("tho-an", "Khu vực Thọ An", "Thọ", 19.92, 105.50),
    ] },
    Region { id: "ven-bien", name: "Vùng ven biển", districts: &[
        ("quang-hai", "Khu vực Quảng Hải", "Quảng", 19.71, 105.82),
        ("nga-bien", "Khu vực Nga Biển", "Nga", 20.01, 105.97),
        ("hau-chau", "Khu vực Hậu Châu", "Hậu", 19.93, 105.93),
        ("tinh-hai", "Khu vực Tĩnh Hải", "Tĩnh", 19.45, 105.78),
        ("hai-thanh", "Khu vực Hải Thanh", "Hải", 19.40, 105.75),
    ] },
    Region { id: "trung-du", name: "Vùng trung du", districts: &[
        ("ha-trung", "Khu vực Hà Lĩnh", "Hà", 20.02, 105.83),
        ("nong-phu", "Khu vực Nông Phú", "Nông", 19.62, 105.65),
        ("xuan-lam", "Khu vực Xuân Lam", "Xuân", 19.88, 105.42),
        ("thach-thanh", "Khu vực Thạch Bình", "Thạch", 20.14, 105.66),
        ("cam-thuy", "Khu vực Cẩm Thạch", "Cẩm", 20.20, 105.47),
        ("ngoc-son", "Khu vực Ngọc Sơn", "Ngọc", 20.06, 105.38),
    ] },
    Region { id: "mien-nui", name: "Vùng miền núi", districts: &[
        ("nhu-ninh", "Khu vực Như Ninh", "Như", 19.60, 105.42),
        ("lang-phong", "Khu vực Lang Phong", "Lang", 20.15, 105.24),
        ("quan-lam", "Khu vực Quan Lâm", "Quan", 20.30, 105.05),
        ("muong-son", "Khu vực Mường Sơn", "Mường", 20.53, 104.70),
        ("ban-cong", "Khu vực Bản Công", "Bản", 20.38, 104.92),
    ] },
];

/// The second syllables of communes' names.
pub(super) const SECOND: [&str; 24] = [
    "Lộc", "Tiến", "Phú", "Giang", "Thành", "Lâm", "Châu", "Trung", "Hòa", "Thịnh", "Yên", "Quang",
    "Đức", "Minh", "Khê", "Cát", "Phong", "Tân", "Trạch", "Đồng", "Lương", "Vân", "Ninh", "Hợp",
];

/// Of the province's own offices, in the order in which they get a bridge. The first is the
/// chair.
pub(super) const OFFICES: [&str; 40] = [
    "Văn phòng UBND tỉnh",
    "Sở Tài chính",
    "Sở Nội vụ",
    "Sở Y tế",
    "Sở Nông nghiệp và Môi trường",
    "Công an tỉnh",
    "Sở Giáo dục và Đào tạo",
    "Sở Xây dựng",
    "Sở Khoa học và Công nghệ",
    "Sở Công Thương",
    "Sở Tư pháp",
    "Sở Văn hóa, Thể thao và Du lịch",
    "Sở Dân tộc và Tôn giáo",
    "Thanh tra tỉnh",
    "Văn phòng Tỉnh ủy",
    "Văn phòng Đoàn ĐBQH và HĐND tỉnh",
    "Bộ Chỉ huy Quân sự tỉnh",
    "Ban Tổ chức Tỉnh ủy",
    "Ban Tuyên giáo và Dân vận Tỉnh ủy",
    "Ban Nội chính Tỉnh ủy",
    "Ủy ban Kiểm tra Tỉnh ủy",
    "Ủy ban MTTQ Việt Nam tỉnh",
    "Tỉnh đoàn",
    "Hội Liên hiệp Phụ nữ tỉnh",
    "Hội Nông dân tỉnh",
    "Hội Cựu chiến binh tỉnh",
    "Liên đoàn Lao động tỉnh",
    "Tòa án nhân dân tỉnh",
    "Viện Kiểm sát nhân dân tỉnh",
    "Thuế tỉnh",
    "Kho bạc Nhà nước khu vực",
    "Bảo hiểm xã hội tỉnh",
    "Ngân hàng Nhà nước khu vực",
    "Trường Chính trị tỉnh",
    "Báo và Phát thanh, Truyền hình tỉnh",
    "Ban Quản lý các khu công nghiệp",
    "Trung tâm Phục vụ hành chính công",
    "Công ty Điện lực tỉnh",
    "Bưu điện tỉnh",
    "Trung tâm Chỉ huy phòng, chống thiên tai",
];

/// Whose line ends in the site.
pub(super) const CARRIERS: [(&str, &str); 2] = [("vnpt", "VNPT"), ("viettel", "Viettel")];

/// Names of people, in their three parts.
pub(super) const FAMILY: [&str; 12] =
    ["Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Vũ", "Bùi", "Đỗ", "Hà", "Lương", "Cao", "Trịnh"];
pub(super) const MIDDLE: [&str; 8] = ["Văn", "Thị", "Đức", "Minh", "Thu", "Quốc", "Ngọc", "Hữu"];
pub(super) const GIVEN: [&str; 16] = [
    "An", "Bình", "Chung", "Dũng", "Giang", "Hải", "Hạnh", "Hùng", "Lan", "Linh", "Mai", "Nam",
    "Phương", "Quân", "Thảo", "Tuấn",
];
