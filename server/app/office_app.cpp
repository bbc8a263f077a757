#include "server/app/office_app.hpp"

#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <stop_token>
#include <system_error>
#include <thread>

#include "card/layout.hpp"
#include "card/openssl/master_key_file.hpp"
#include "card/openssl/openssl_mac.hpp"
#include "server/api/change_feed.hpp"
#include "server/api/http_server.hpp"
#include "server/api/office_api.hpp"
#include "server/app/log.hpp"
#include "server/app/scheduler.hpp"
#include "server/desk/office_desk.hpp"
#include "server/store/open_office.hpp"
#include "server/store/planted_db.hpp"

namespace prewatt::server::app {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kEventsKept = 4096;

UnixTime wall_clock() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return UnixTime{std::chrono::duration_cast<std::chrono::milliseconds>(now).count()};
}

std::unexpected<StartFailure> failed(StartError error, std::string words) {
    return std::unexpected(StartFailure{error, std::move(words)});
}

// 16 letters and digits that cannot be mistaken for each other: 79 bits.
std::string random_password() {
    constexpr std::string_view letters = "abcdefghjkmnpqrstuvwxyz23456789ABCDEFGHJKMNPQRSTUVWXYZ";
    std::string password;
    while (password.size() < 16) {
        unsigned char byte = 0;
        if (::getrandom(&byte, 1, 0) != 1) return {};
        if (byte < letters.size() * 4) password += letters[byte % letters.size()];
    }
    return password;
}

// The pages that were built beside the program: build/prewatt -> web/dist, bin/prewatt -> share/prewatt/web.
fs::path pages_beside_program() {
    std::error_code fault;
    const fs::path program = fs::read_symlink("/proc/self/exe", fault);
    if (fault) return {};
    const fs::path above = program.parent_path().parent_path();
    for (const fs::path& place : {above / "web" / "dist", above / "share" / "prewatt" / "web"})
        if (fs::is_regular_file(place / "index.html", fault)) return place;
    return {};
}

std::optional<Wiring> wiring_of(std::string_view text) {
    for (const Wiring wiring : {Wiring::k39x1, Wiring::k18x2, Wiring::k12x3})
        if (word(wiring) == text) return wiring;
    return std::nullopt;
}

class RunningOffice final : public OfficeApp {
  public:
    explicit RunningOffice(AppConfig config) : config_(std::move(config)) {}
    ~RunningOffice() override { put_down(); }

    std::expected<void, StartFailure> bring_up() {
        if (!set_log_level(config_.log_level == "warn" ? "warning" : config_.log_level))
            return failed(StartError::kBadConfig,
                          "'" + config_.log_level + "' is no log level; known are debug, info, warning, error, off");
        ::umask(077);
        std::error_code fault;
        fs::create_directories(config_.data, fault);
        if (fault)
            return failed(StartError::kDatabase,
                          "the data folder " + config_.data.string() + " cannot be made: " + fault.message());

        // The port first: an office that cannot be reached must not touch lines and rooms.
        api::HttpServerOptions http;
        http.address = config_.address;
        http.port = config_.port;
        http.stop_on_signals = config_.stop_on_signals;
        auto listening =
            api::HttpServer::listen(http, hub_, [this](const api::Request& request) { return api_->handle(request); });
        if (!listening) return failed(StartError::kPort, words_of(listening.error()));
        server_ = std::move(*listening);

        const auto key = card::load_or_make_master_key(config_.data / "prewatt.key");
        if (!key) return failed(StartError::kKey, key.error());
        if (key->made)
            log_info("a new master key was made: " + (config_.data / "prewatt.key").string() +
                     "; keep a copy of it in a safe place");
        if (key->open_to_all)
            log_warning("others on this machine can read the master key " + (config_.data / "prewatt.key").string() +
                        "; chmod 600 it");

        store::OfficeOptions options;
        options.url = config_.db.empty() ? (config_.data / "prewatt.db").string() : config_.db;
        options.clock = wall_clock;
        options.cheap_password_hash = config_.cheap_password_hash;
        options.planted_defect = config_.planted_defect;
        if (!options.planted_defect.empty()) {
            if (!store::is_planted_defect(options.planted_defect))
                return failed(StartError::kBadConfig, "there is no defect '" + options.planted_defect + "' to plant");
            log_warning("the defect '" + options.planted_defect +
                        "' is planted: this office loses money, so that its tests can find it");
        }
        const auto there = store::is_office_there(options);
        if (!there) return failed(StartError::kDatabase, there.error().message);
        first_start_ = !*there;
        if (first_start_)
            if (auto made = make_site(options); !made) return std::unexpected(made.error());
        auto office = store::open_office(options);
        if (!office) return failed(StartError::kDatabase, office.error().message);
        office_ = std::move(*office);

        lines_ = Lines::make(*office_, key->key, hub_);
        desk_ = std::make_unique<desk::OfficeDesk>(office_->cards(), desk_mac_, key->key,
                                                   card::Layout{config_.card_base}, &office_->warrants());
        api::OfficeApiOptions api_options;
        api_options.desk = desk_.get();
        api_options.clock = wall_clock;
        api_options.version = config_.version;
        api_options.ui_dir = config_.ui_dir.empty() ? pages_beside_program() : config_.ui_dir;
        api_options.on_fault = [](std::string_view words) { log_error("a fault in a route: " + std::string(words)); };
        api_ = std::make_unique<api::OfficeApi>(*office_, *lines_, hub_, std::move(api_options));
        feed_ = std::make_unique<api::ChangeFeed>(*office_, hub_);
        std::vector<LineUrl> urls = config_.lines;
        if (!config_.demo_line.empty())
            urls.push_back({store::BuildingSpec{}.line_name, line_url_of(config_.demo_line)});
        if (auto started = lines_->start(urls); !started) return failed(StartError::kBadConfig, started.error());
        scheduler_ = std::make_unique<Scheduler>([](const std::string& problem) { log_error(problem); });
        scheduler_->add(campaigns_part(*office_));
        scheduler_->add(work_list_part(*office_));
        scheduler_->add(quotas_part(*office_));
        scheduler_->add(give_back_part(*office_));
        ticking_ = std::jthread([this](const std::stop_token& stop) {
            std::mutex mutex;
            std::condition_variable_any wake;
            std::unique_lock lock(mutex);
            while (!stop.stop_requested()) {
                scheduler_->tick(wall_clock());
                wake.wait_for(lock, stop, std::chrono::seconds(1), [] { return false; });
            }
        });
        log_info("the office listens on " + config_.address + ":" + std::to_string(server_->port()) + ", data in " +
                 config_.data.string());
        if (config_.address != "127.0.0.1" && config_.address != "::1")
            log_warning("other machines reach this office without encryption; put a TLS proxy before it");
        return {};
    }

    std::uint16_t port() const override { return server_->port(); }
    bool first_start() const override { return first_start_; }

    void run() override {
        server_->run();
        log_info("the office stops");
        put_down();
        log_info("the office has stopped; everything that was said to be done is on the disk");
    }
    void stop() override { server_->stop(); }

  private:
    std::string words_of(const api::ListenFailure& failure) const {
        const std::string where = config_.address + ":" + std::to_string(config_.port);
        switch (failure.error) {
            case api::ListenError::kBadAddress:
                return failure.words + "; give the address as numbers, like 127.0.0.1:8080";
            case api::ListenError::kPortTaken:
                return "port " + where +
                       " is taken by another program; nothing was started. Choose another with --listen, or stop that "
                       "program";
            case api::ListenError::kNotPermitted:
                return "port " + where +
                       " may not be used: ports below 1024 need a right of their own. Choose another with --listen";
            case api::ListenError::kOther:
                break;
        }
        return "port " + where + " cannot be used: " + failure.words;
    }

    std::expected<void, StartFailure> make_site(const store::OfficeOptions& options) {
        store::SiteSpec site;
        site.name = config_.site;
        site.price = UnitPrice{config_.price_e4};
        const bool from_file = !config_.owner_password_file.empty();
        if (from_file) {
            std::ifstream file(config_.owner_password_file);
            if (!std::getline(file, site.owner_password))
                return failed(StartError::kBadConfig, "the password file " + config_.owner_password_file.string() +
                                                          " cannot be read or is empty");
            while (!site.owner_password.empty() &&
                   (site.owner_password.back() == '\r' || site.owner_password.back() == ' '))
                site.owner_password.pop_back();
        } else {
            site.owner_password = random_password();
        }
        std::vector<store::BuildingSpec> buildings;
        for (const BuildingConfig& one : config_.buildings) {
            store::BuildingSpec spec;
            spec.name = one.name;
            spec.line_name = one.line;
            spec.line_url = one.url;
            spec.first_box = one.first_box;
            spec.boxes = one.boxes;
            const auto wiring = wiring_of(one.wiring);
            if (!wiring)
                return failed(StartError::kBadConfig,
                              "building '" + one.name + "': wiring '" + one.wiring + "' is none of 39x1, 18x2, 12x3");
            spec.wiring = *wiring;
            spec.rooms_per_floor = one.rooms_per_floor;
            spec.residents = false;
            buildings.push_back(std::move(spec));
        }
        store::Opened<void> made;
        if (config_.demo_boxes > 0) {
            store::BuildingSpec demo;
            demo.boxes = config_.demo_boxes;
            demo.line_url = line_url_of(config_.demo_line);
            made = store::create_demo(options, site, demo);
        } else {
            made = store::create_site(options, site, buildings);
        }
        if (!made) {
            const bool bad = made.error().error == store::OpenError::kBadSpec;
            return failed(bad ? StartError::kBadConfig : StartError::kDatabase, made.error().message);
        }
        log_info("a new office was made in " + config_.data.string());
        if (!from_file && config_.tell_password) config_.tell_password(site.owner_password);
        return {};
    }

    void put_down() {
        if (scheduler_) scheduler_->stop();
        ticking_ = {};
        if (lines_) lines_->stop();
        feed_.reset();
        api_.reset();
        desk_.reset();
        office_.reset();  // finishes what is queued; its last answers may still go to lines_
        lines_.reset();
    }

    AppConfig config_;
    api::EventHub hub_{kEventsKept, static_cast<std::uint64_t>(wall_clock().ms) * 1000};
    bool first_start_ = false;
    std::unique_ptr<Lines> lines_;
    std::unique_ptr<Office> office_;
    card::OpensslMac desk_mac_;
    std::unique_ptr<desk::OfficeDesk> desk_;
    std::unique_ptr<api::OfficeApi> api_;
    std::unique_ptr<api::ChangeFeed> feed_;
    std::unique_ptr<api::HttpServer> server_;
    std::unique_ptr<Scheduler> scheduler_;
    std::jthread ticking_;
};

}  // namespace

std::expected<std::unique_ptr<OfficeApp>, StartFailure> OfficeApp::start(AppConfig config) {
    auto office = std::make_unique<RunningOffice>(std::move(config));
    if (auto up = office->bring_up(); !up) return std::unexpected(up.error());
    return office;
}

}  // namespace prewatt::server::app
