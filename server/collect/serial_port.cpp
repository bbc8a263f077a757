#include "server/collect/serial_port.hpp"

#include <fcntl.h>
#include <linux/serial.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace prewatt::collect {
namespace {

speed_t speed_of(std::uint32_t baud) {
    switch (baud) {
        case 600:
            return B600;
        case 1200:
            return B1200;
        case 2400:
            return B2400;
        case 4800:
            return B4800;
        case 9600:
            return B9600;
        case 19200:
            return B19200;
        case 38400:
            return B38400;
        case 115200:
            return B115200;
        default:
            return B0;
    }
}

bool is_pseudo_terminal(int file) {
    const char* name = ::ttyname(file);
    return name != nullptr && std::strncmp(name, "/dev/pts/", 9) == 0;
}

}  // namespace

bool is_line_speed(std::uint32_t baud) {
    return speed_of(baud) != B0;
}

std::expected<int, std::string> open_serial_port(const std::string& path, std::uint32_t baud) {
    const auto failed = [&path](const char* what, int file) {
        std::string problem = path + ": " + what + ": " + std::strerror(errno);
        if (file >= 0) ::close(file);
        return std::unexpected(std::move(problem));
    };
    const int file = ::open(path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (file < 0) return failed("cannot open", file);
    // Two masters on one line destroy each other's questions.
    if (::flock(file, LOCK_EX | LOCK_NB) != 0) return failed("another program uses this port", file);
    termios settings{};
    if (::tcgetattr(file, &settings) != 0) return failed("is not a serial port", file);
    ::cfmakeraw(&settings);
    settings.c_cflag &= ~static_cast<tcflag_t>(CSIZE | CSTOPB | PARODD | CRTSCTS);
    settings.c_cflag |= CS8 | PARENB | CREAD | CLOCAL;
    settings.c_iflag |= INPCK;  // a character with bad parity is read as 0; the check sum of its frame then fails
    settings.c_cc[VMIN] = 1;
    settings.c_cc[VTIME] = 0;
    ::cfsetspeed(&settings, speed_of(baud));
    if (::tcsetattr(file, TCSANOW, &settings) != 0) {
        // A pseudo-terminal says so when nothing but the parity is left to change.
        settings.c_cflag &= ~static_cast<tcflag_t>(PARENB);
        if (!is_pseudo_terminal(file) || ::tcsetattr(file, TCSANOW, &settings) != 0)
            return failed("cannot be set to 8E1", file);
    }
    ::tcflush(file, TCIOFLUSH);
    serial_struct serial{};
    if (::ioctl(file, TIOCGSERIAL, &serial) == 0) {  // not every driver knows it; it only makes answers come sooner
        serial.flags |= ASYNC_LOW_LATENCY;
        static_cast<void>(::ioctl(file, TIOCSSERIAL, &serial));
    }
    return file;
}

}  // namespace prewatt::collect
