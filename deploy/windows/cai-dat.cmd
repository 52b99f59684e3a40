@echo off
rem Cai dat agent Nhip Cau tu the nho USB: nhay dup, hoac "cai-dat.cmd MA-GHI-DANH".
rem Installs the Nhip Cau agent from a USB stick: double-click it, or "cai-dat.cmd CODE".
setlocal
chcp 65001 >nul
set "NGUON=%~dp0"
set "DICH=%ProgramFiles%\NhipCau"
set "MA=%~1"

net session >nul 2>&1
if errorlevel 1 (
    echo Cần quyền quản trị: nhấp chuột phải vào cai-dat.cmd, chọn "Run as administrator".
    goto :loi
)
if not exist "%NGUON%nhipcau-agent.exe" (
    echo Thiếu tệp nhipcau-agent.exe bên cạnh cai-dat.cmd: hãy chép lại cả thư mục vào USB.
    goto :loi
)

rem The old version runs until the new one lies beside it whole: a power cut at any moment leaves one that starts.
echo [1/4] Chép chương trình vào %DICH%...
if not exist "%DICH%" mkdir "%DICH%"
copy /y "%NGUON%nhipcau-agent.exe" "%DICH%\nhipcau-agent.new" >nul
if errorlevel 1 (
    echo Không chép được vào %DICH%: ổ đĩa đầy, hoặc phần mềm diệt vi-rút đang giữ tệp.
    goto :loi
)

echo [2/4] Thay bản cũ nếu có...
if exist "%DICH%\nhipcau-agent.exe" "%DICH%\nhipcau-agent.exe" --lang vi service release
move /y "%DICH%\nhipcau-agent.new" "%DICH%\nhipcau-agent.exe" >nul
if errorlevel 1 (
    echo Không thay được %DICH%\nhipcau-agent.exe: có chương trình đang giữ tệp. Bản cũ chạy tiếp.
    "%DICH%\nhipcau-agent.exe" --lang vi service install >nul
    "%DICH%\nhipcau-agent.exe" --lang vi service start
    goto :loi
)

echo [3/4] Cài dịch vụ...
"%DICH%\nhipcau-agent.exe" --lang vi service install
if errorlevel 1 goto :loi
"%DICH%\nhipcau-agent.exe" --lang vi service start
if errorlevel 1 goto :loi

echo [4/4] Ghi danh...
if exist "%ProgramData%\NhipCau\agent\identity.json" (
    echo Máy này đã ghi danh từ trước, giữ nguyên.
    if "%MA%"=="" goto :xong
)
if "%MA%"=="" set /p "MA=Nhập mã ghi danh rồi nhấn Enter (bỏ trống để ghi danh sau): "
if "%MA%"=="" (
    echo Ghi danh sau bằng lệnh: "%DICH%\nhipcau-agent.exe" enroll MÃ
    goto :xong
)
rem Without a line the code is kept, and the service enrols as soon as there is one.
"%DICH%\nhipcau-agent.exe" --lang vi enroll --later "%MA%"
if errorlevel 1 goto :loi

:xong
echo Hãy đăng xuất rồi đăng nhập lại một lần, để dịch vụ biết âm thanh và màn hình của người dùng.
echo Xong. Kiểm tra máy bất cứ lúc nào: "%DICH%\nhipcau-agent.exe" doctor
if "%~1"=="" pause
exit /b 0

:loi
echo Chưa cài xong.
if "%~1"=="" pause
exit /b 1
