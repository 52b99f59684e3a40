//! Objects of COM, as far as sound devices need them: `windows-sys` declares functions and no
//! objects, and the crate that does takes minutes and gigabytes to compile.

use std::ffi::c_void;
use std::mem;
use std::ptr::{self, NonNull};

use windows_sys::Win32::System::Com::{
    CLSCTX_ALL, COINIT_MULTITHREADED, CoCreateInstance, CoInitializeEx, CoUninitialize,
};
use windows_sys::core::{GUID, HRESULT};

/// `IUnknown::Release`; before it stand `QueryInterface` and `AddRef`.
const RELEASE: usize = 2;

/// COM on this thread, for as long as this lives: longer than every object.
pub(super) struct Apartment(());

impl Apartment {
    #[expect(unsafe_code, reason = "a function of COM")]
    pub(super) fn enter() -> Option<Self> {
        // SAFETY: its first parameter is reserved; what it begins is ended in `drop`.
        let result = unsafe { CoInitializeEx(ptr::null(), COINIT_MULTITHREADED.cast_unsigned()) };
        (result >= 0).then_some(Self(()))
    }
}

impl Drop for Apartment {
    #[expect(unsafe_code, reason = "a function of COM")]
    fn drop(&mut self) {
        // SAFETY: once for the one that succeeded.
        unsafe { CoUninitialize() };
    }
}

/// An object of some interface, held until it is dropped.
pub(super) struct Object(NonNull<c_void>);

/// Where a method writes the object it makes.
pub(super) type Made = *mut *mut c_void;

#[expect(unsafe_code, reason = "COM is tables of pointers to functions")]
impl Object {
    pub(super) fn create(class: &GUID, interface: &GUID) -> Option<Self> {
        // SAFETY: both ids outlive the call, and what it makes is written to a live pointer.
        Self::made(|made| unsafe {
            CoCreateInstance(class, ptr::null_mut(), CLSCTX_ALL, interface, made)
        })
    }

    /// What `make` writes when it succeeds: an object that is the caller's to release.
    pub(super) fn made(make: impl FnOnce(Made) -> HRESULT) -> Option<Self> {
        let mut object = ptr::null_mut();
        let result = make(&raw mut object);
        NonNull::new(object).filter(|_| result >= 0).map(Self)
    }

    /// Itself, the first parameter of each of its methods.
    pub(super) fn this(&self) -> *mut c_void {
        self.0.as_ptr()
    }

    /// The method with that number in its interface.
    ///
    /// # Safety
    /// `F` is the type of a pointer to that very method.
    pub(super) unsafe fn method<F: Copy>(&self, number: usize) -> F {
        const { assert!(size_of::<F>() == size_of::<usize>(), "F is a pointer to a function") }
        // SAFETY: an object begins with a pointer to the table of its methods, which lives as long
        // as it; that it has this one, and of what type, is the caller's word.
        unsafe {
            mem::transmute_copy(&*(*self.0.cast::<*const *const c_void>().as_ptr()).add(number))
        }
    }

    /// What the method with that number writes, which takes nothing else; `None` if it fails.
    ///
    /// # Safety
    /// That method takes one pointer, to a `T`.
    pub(super) unsafe fn value<T>(&self, number: usize, otherwise: T) -> Option<T> {
        let mut value = otherwise;
        // SAFETY: the type of the method is the caller's word; the value is live.
        let result = unsafe {
            let method =
                self.method::<unsafe extern "system" fn(*mut c_void, *mut T) -> HRESULT>(number);
            method(self.this(), &raw mut value)
        };
        (result >= 0).then_some(value)
    }
}

impl Drop for Object {
    #[expect(unsafe_code, reason = "COM is tables of pointers to functions")]
    fn drop(&mut self) {
        // SAFETY: every object has this method; it is called once, and the object used no more.
        unsafe {
            let release = self.method::<unsafe extern "system" fn(*mut c_void) -> u32>(RELEASE);
            release(self.this());
        }
    }
}
