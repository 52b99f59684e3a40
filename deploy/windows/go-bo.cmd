@echo off
rem Go bo agent Nhip Cau. Takes the Nhip Cau agent away.
setlocal
chcp 65001 >nul
set "DICH=%ProgramFiles%\NhipCau"

net session >nul 2>&1
if errorlevel 1 (
    echo Cần quyền quản trị: nhấp chuột phải vào go-bo.cmd, chọn "Run as administrator".
    exit /b 1
)
if exist "%DICH%\nhipcau-agent.exe" (
    "%DICH%\nhipcau-agent.exe" --lang vi service uninstall
    if errorlevel 1 exit /b 1
    rmdir /s /q "%DICH%"
)
echo Đã gỡ chương trình. Thông tin ghi danh còn trong %ProgramData%\NhipCau, để lần cài sau dùng lại;
echo muốn xóa hẳn: rmdir /s "%ProgramData%\NhipCau"
exit /b 0
