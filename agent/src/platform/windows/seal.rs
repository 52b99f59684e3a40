//! Secrets on disk, sealed by Windows (DPAPI) for this PC: of no use on another one, nor from a
//! disk that was taken out. The rights of the file keep this PC's other users from it, because
//! the service and the administrator who enrols are different users of it.

use std::io;
use std::ptr;

use windows_sys::Win32::Foundation::LocalFree;
use windows_sys::Win32::Security::Cryptography::{
    CRYPT_INTEGER_BLOB, CRYPTPROTECT_LOCAL_MACHINE, CRYPTPROTECT_UI_FORBIDDEN, CryptProtectData,
    CryptUnprotectData,
};

/// What a sealed file begins with, so that one which is not sealed can be told from it.
const MARK: &[u8] = b"sealed by Windows\n";

/// What to write in the place of `secret`.
#[expect(unsafe_code, reason = "a call to Windows")]
pub fn sealed(secret: &[u8]) -> io::Result<Vec<u8>> {
    let from = blob(secret)?;
    let mut into = CRYPT_INTEGER_BLOB::default();
    // SAFETY: `from` is alive and only read; `into` is written on success; nothing else is given.
    let done = unsafe {
        CryptProtectData(
            &raw const from,
            ptr::null(),
            ptr::null(),
            ptr::null(),
            ptr::null(),
            CRYPTPROTECT_LOCAL_MACHINE | CRYPTPROTECT_UI_FORBIDDEN,
            &raw mut into,
        )
    };
    Ok([MARK, &taken(done, &into)?].concat())
}

/// The secret of a file; what is not sealed is it already.
#[expect(unsafe_code, reason = "a call to Windows")]
pub fn unsealed(file: Vec<u8>) -> io::Result<Vec<u8>> {
    let Some(inside) = file.strip_prefix(MARK) else { return Ok(file) };
    let from = blob(inside)?;
    let mut into = CRYPT_INTEGER_BLOB::default();
    // SAFETY: as of `sealed`.
    let done = unsafe {
        CryptUnprotectData(
            &raw const from,
            ptr::null_mut(),
            ptr::null(),
            ptr::null(),
            ptr::null(),
            CRYPTPROTECT_UI_FORBIDDEN,
            &raw mut into,
        )
    };
    taken(done, &into)
}

fn blob(bytes: &[u8]) -> io::Result<CRYPT_INTEGER_BLOB> {
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    Ok(CRYPT_INTEGER_BLOB { cbData: length, pbData: bytes.as_ptr().cast_mut() })
}

/// What a call has allocated, which is then freed.
#[expect(unsafe_code, reason = "Windows allocates the answer")]
fn taken(done: i32, answer: &CRYPT_INTEGER_BLOB) -> io::Result<Vec<u8>> {
    if done == 0 || answer.pbData.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: on success the call has allocated so many bytes for its caller, who frees them once.
    Ok(unsafe {
        let bytes = std::slice::from_raw_parts(answer.pbData, answer.cbData as usize).to_vec();
        LocalFree(answer.pbData.cast());
        bytes
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_comes_back_is_not_to_be_read_and_not_to_be_changed() {
        let secret = "khóa bí mật của điểm cầu".as_bytes();
        let mut file = sealed(secret).unwrap();
        assert!(!file.windows(4).any(|part| part == &secret[..4]), "it is there to be read");
        assert_eq!(unsealed(file.clone()).unwrap(), secret);
        let middle = file.len() - 5;
        file[middle] ^= 1;
        unsealed(file).unwrap_err();
    }

    #[test]
    fn what_is_not_sealed_is_taken_as_it_is() {
        assert_eq!(unsealed(b"{}".to_vec()).unwrap(), b"{}");
    }
}
