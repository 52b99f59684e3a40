//! Files for administrators, the system and the agent's service only.
//!
//! What lies below `ProgramData` may be read, and added to, by everybody on the PC unless its
//! folder says otherwise. So each folder and file is made with a list of its own, in one step.

use std::fs::File;
use std::os::windows::io::{AsRawHandle, FromRawHandle};
use std::path::Path;
use std::{io, ptr};

use windows_sys::Win32::Foundation::{
    ERROR_ALREADY_EXISTS, ERROR_SUCCESS, GENERIC_READ, GENERIC_WRITE, INVALID_HANDLE_VALUE,
    LocalFree,
};
use windows_sys::Win32::Security::Authorization::{
    ConvertStringSecurityDescriptorToSecurityDescriptorW, GetSecurityInfo, SDDL_REVISION_1,
    SE_FILE_OBJECT, SetNamedSecurityInfoW,
};
use windows_sys::Win32::Security::{
    ACCESS_ALLOWED_ACE, ACE_HEADER, ACL, DACL_SECURITY_INFORMATION, GetAce,
    GetSecurityDescriptorDacl, GetSecurityDescriptorOwner, INHERIT_ONLY_ACE, IsWellKnownSid,
    OWNER_SECURITY_INFORMATION, PROTECTED_DACL_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR,
    SECURITY_ATTRIBUTES, SetKernelObjectSecurity, WinAuthenticatedUserSid, WinBuiltinGuestsSid,
    WinBuiltinUsersSid, WinInteractiveSid, WinWorldSid,
};
use windows_sys::Win32::Storage::FileSystem::{
    CreateDirectoryW, CreateFileW, FILE_ATTRIBUTE_NORMAL, FILE_SHARE_DELETE, FILE_SHARE_READ,
    FILE_SHARE_WRITE, OPEN_ALWAYS, WRITE_DAC,
};

use super::{size, text::wide};

/// The account of the service `NhipCauAgent`, which Windows makes of the service's name (`sc
/// showsid NhipCauAgent`), so that it can be named before there is one.
pub(super) const SERVICE_SID: &str =
    "S-1-5-80-314798660-2277091662-3695677705-3536438512-4027433376";

/// `ACCESS_ALLOWED_ACE_TYPE` of winnt.h.
const ALLOWED: u8 = 0;

/// Reading, or changing in any way: `FILE_READ_DATA`, `FILE_WRITE_DATA`, `FILE_APPEND_DATA`,
/// `DELETE`, `WRITE_DAC`, `WRITE_OWNER`, `GENERIC_ALL`, `GENERIC_WRITE`, `GENERIC_READ` of winnt.h.
const READ_OR_CHANGE: u32 = 0x0001
    | 0x0002
    | 0x0004
    | 0x0001_0000
    | 0x0004_0000
    | 0x0008_0000
    | 0x1000_0000
    | 0x4000_0000
    | 0x8000_0000;

/// Makes a directory and those above it; one that exists stays as it is.
pub fn private_directory(path: &Path) -> io::Result<()> {
    if path.is_dir() || path.as_os_str().is_empty() {
        return Ok(());
    }
    if let Some(above) = path.parent() {
        private_directory(above)?;
    }
    match create_directory(path) {
        // Another program was quicker.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        created => created,
    }
}

#[expect(unsafe_code, reason = "std makes directories that anybody may read")]
fn create_directory(path: &Path) -> io::Result<()> {
    let rights = Rights::of(&for_directory())?;
    let attributes = rights.attributes();
    let path = wide(path);
    // SAFETY: the path ends at a zero; it and the attributes outlive the call.
    let made = unsafe { CreateDirectoryW(path.as_ptr(), &raw const attributes) };
    if made == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Opens a file to read and write, making it if need be.
#[expect(unsafe_code, reason = "std makes files that anybody may read")]
pub fn private_file(path: &Path) -> io::Result<File> {
    let rights = Rights::of(&for_file())?;
    let attributes = rights.attributes();
    let path = wide(path);
    // SAFETY: the path ends at a zero; it and the attributes outlive the call. The handle is nobody
    // else's.
    let (file, existed) = unsafe {
        let handle = CreateFileW(
            path.as_ptr(),
            GENERIC_READ | GENERIC_WRITE | WRITE_DAC,
            FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
            &raw const attributes,
            OPEN_ALWAYS,
            FILE_ATTRIBUTE_NORMAL,
            ptr::null_mut(),
        );
        let said = io::Error::last_os_error();
        if handle == INVALID_HANDLE_VALUE {
            return Err(said);
        }
        (
            File::from_raw_handle(handle),
            said.raw_os_error() == Some(ERROR_ALREADY_EXISTS.cast_signed()),
        )
    };
    if existed {
        rights.give(&file)?;
    }
    Ok(file)
}

/// What may be read may be started here, so a private file is a program as it is.
pub fn make_program(_: &Path) -> io::Result<()> {
    Ok(())
}

/// For administrators, the system and the service, by the numbers of their accounts: their names
/// depend on the language of Windows.
#[must_use]
pub fn close_to_all(file: &Path) -> String {
    let file = file.display();
    format!("icacls \"{file}\" /inheritance:r /grant *S-1-5-32-544:F *S-1-5-18:F *{SERVICE_SID}:R")
}

/// Gives a folder, and what is in it, to administrators and closes it to everybody else but the
/// service: somebody may have made it before the agent was installed.
#[expect(unsafe_code, reason = "a call to Windows")]
pub(super) fn close_tree(folder: &Path) -> io::Result<()> {
    private_directory(folder)?;
    let rights = Rights::of(&format!("O:BA{}", for_directory()))?;
    let folder = wide(folder);
    let what = OWNER_SECURITY_INFORMATION
        | DACL_SECURITY_INFORMATION
        | PROTECTED_DACL_SECURITY_INFORMATION;
    // SAFETY: the path ends at a zero; owner and list lie within the descriptor, which is alive.
    let status = unsafe {
        let (mut there, mut by_default, mut list, mut owner) =
            (0, 0, ptr::null_mut(), ptr::null_mut());
        GetSecurityDescriptorDacl(rights.0, &raw mut there, &raw mut list, &raw mut by_default);
        GetSecurityDescriptorOwner(rights.0, &raw mut owner, &raw mut by_default);
        SetNamedSecurityInfoW(
            folder.as_ptr(),
            SE_FILE_OBJECT,
            what,
            owner,
            ptr::null_mut(),
            list,
            ptr::null(),
        )
    };
    if status == ERROR_SUCCESS {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(status.cast_signed()))
    }
}

/// Whether everybody on this PC may read or change a file.
#[expect(unsafe_code, reason = "calls to Windows")]
pub fn is_open_to_all(file: &File) -> io::Result<bool> {
    let mut list: *mut ACL = ptr::null_mut();
    let mut descriptor: PSECURITY_DESCRIPTOR = ptr::null_mut();
    // SAFETY: the file's handle is open; the list lies within the descriptor, which is ours.
    let status = unsafe {
        GetSecurityInfo(
            file.as_raw_handle(),
            SE_FILE_OBJECT,
            DACL_SECURITY_INFORMATION,
            ptr::null_mut(),
            ptr::null_mut(),
            &raw mut list,
            ptr::null_mut(),
            &raw mut descriptor,
        )
    };
    if status != ERROR_SUCCESS {
        return Err(io::Error::from_raw_os_error(status.cast_signed()));
    }
    let _descriptor = Rights(descriptor);
    // SAFETY: the list is null or alive as long as the descriptor.
    Ok(unsafe { lets_all(list) })
}

/// Whether a list of rights lets everybody read or change. No list at all lets everybody do
/// everything.
///
/// # Safety
/// `list` is null or points to a valid list that is alive.
#[expect(unsafe_code, reason = "a list of Windows that is walked by pointers")]
unsafe fn lets_all(list: *const ACL) -> bool {
    let everybody = [
        WinWorldSid,
        WinAuthenticatedUserSid,
        WinBuiltinUsersSid,
        WinBuiltinGuestsSid,
        WinInteractiveSid,
    ];
    // SAFETY: by this function's contract.
    let Some(entries) = (unsafe { list.as_ref() }) else { return true };
    (0..u32::from(entries.AceCount)).any(|index| {
        let mut entry = ptr::null_mut();
        // SAFETY: the list is valid; what is found lies within it. Every entry has a header, and
        // those of this type are an `ACCESS_ALLOWED_ACE`, whose account begins at `SidStart`.
        unsafe {
            if GetAce(list, index, &raw mut entry) == 0 {
                return false;
            }
            let header = entry.cast::<ACE_HEADER>().read_unaligned();
            if header.AceType != ALLOWED || u32::from(header.AceFlags) & INHERIT_ONLY_ACE != 0 {
                return false;
            }
            let entry = entry.cast::<ACCESS_ALLOWED_ACE>();
            let account = (&raw mut (*entry).SidStart).cast();
            (*entry).Mask & READ_OR_CHANGE != 0
                && everybody.iter().any(|kind| IsWellKnownSid(account, *kind) != 0)
        }
    })
}

/// Nobody else's, nothing from above (`P`): the system, administrators, the owner (who may change
/// the list anyway; it is a developer trying the agent out) and the service.
fn for_file() -> String {
    format!("D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;OW)(A;;FA;;;{SERVICE_SID})")
}

/// The same for all that will be in it (`OICI`).
fn for_directory() -> String {
    format!("D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;OW)(A;OICI;FA;;;{SERVICE_SID})")
}

/// A description of rights that Windows has allocated.
pub(super) struct Rights(PSECURITY_DESCRIPTOR);

impl Rights {
    /// Of their writing in the language of Windows ("Security Descriptor String Format").
    #[expect(unsafe_code, reason = "a call to Windows")]
    pub(super) fn of(text: &str) -> io::Result<Self> {
        let text = wide(text);
        let mut descriptor = ptr::null_mut();
        // SAFETY: the text ends at a zero and outlives the call; the pointer is written on success.
        let made = unsafe {
            ConvertStringSecurityDescriptorToSecurityDescriptorW(
                text.as_ptr(),
                SDDL_REVISION_1,
                &raw mut descriptor,
                ptr::null_mut(),
            )
        };
        if made == 0 { Err(io::Error::last_os_error()) } else { Ok(Self(descriptor)) }
    }

    pub(super) fn attributes(&self) -> SECURITY_ATTRIBUTES {
        SECURITY_ATTRIBUTES {
            nLength: size::<SECURITY_ATTRIBUTES>(),
            lpSecurityDescriptor: self.0,
            bInheritHandle: 0,
        }
    }

    /// Gives a file exactly these. Not by `SetSecurityInfo`, which would add what its folder
    /// passes on.
    #[expect(unsafe_code, reason = "a call to Windows")]
    fn give(&self, file: &File) -> io::Result<()> {
        let what = DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION;
        // SAFETY: the file's handle is open, and the descriptor is valid as long as `self`.
        let given = unsafe { SetKernelObjectSecurity(file.as_raw_handle(), what, self.0) };
        if given == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

impl Drop for Rights {
    #[expect(unsafe_code, reason = "a call to Windows")]
    fn drop(&mut self) {
        // SAFETY: Windows allocated it with `LocalAlloc` and it is freed only here.
        unsafe { LocalFree(self.0) };
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek, Write};

    use super::*;

    #[expect(unsafe_code, reason = "a call to Windows")]
    fn list(rights: &Rights) -> *mut ACL {
        let (mut there, mut by_default, mut list) = (0, 0, ptr::null_mut());
        // SAFETY: the descriptor is valid as long as `rights`; the pointers are to live values.
        unsafe {
            GetSecurityDescriptorDacl(rights.0, &raw mut there, &raw mut list, &raw mut by_default)
        };
        list
    }

    #[expect(unsafe_code, reason = "the lists are alive")]
    fn open(sddl: &str) -> bool {
        let rights = Rights::of(sddl).unwrap();
        // SAFETY: alive as long as `rights`.
        unsafe { lets_all(list(&rights)) }
    }

    #[test]
    fn a_list_is_open_only_if_it_lets_everybody_read_or_change() {
        for (sddl, expected) in [
            ("D:(A;;FR;;;WD)", true),
            ("D:(A;;FA;;;SY)(A;;FW;;;AU)", true),
            ("D:(A;;GR;;;BU)", true),
            ("D:(A;;0x1;;;IU)", true),
            ("D:(A;;FA;;;SY)(A;;FA;;;BA)", false),
            ("D:(D;;FA;;;WD)(A;;FA;;;BA)", false),
            ("D:(A;OICIIO;FA;;;WD)", false),
            ("D:(A;;0x20000;;;WD)", false),
            ("D:", false),
        ] {
            assert_eq!(open(sddl), expected, "{sddl}");
        }
        assert!(!open(&for_file()));
        assert!(!open(&for_directory()));
    }

    #[test]
    fn a_private_file_is_made_once_and_keeps_what_it_holds() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("Nhịp Cầu").join("agent");
        private_directory(&folder).unwrap();
        private_directory(&folder).unwrap();
        let path = folder.join("identity.json");
        private_file(&path).unwrap().write_all("điểm cầu".as_bytes()).unwrap();
        let mut again = private_file(&path).unwrap();
        let mut text = String::new();
        again.rewind().unwrap();
        again.read_to_string(&mut text).unwrap();
        assert_eq!(text, "điểm cầu");
        assert!(!is_open_to_all(&again).unwrap());
    }

    #[test]
    fn what_cannot_be_made_says_why() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        private_file(&file).unwrap();
        private_directory(&file.join("below")).unwrap_err();
        private_file(&root.path().join("absent").join("file")).unwrap_err();
    }
}
