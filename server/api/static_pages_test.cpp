#include "server/api/static_pages.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace prewatt::server::api {
namespace {

namespace fs = std::filesystem;

class StaticPagesTest : public testing::Test {
  protected:
    StaticPagesTest() {
        char name[] = "/tmp/prewatt-pages-XXXXXX";
        folder_ = mkdtemp(name);
        write("secret.txt", "outside");
        write("dist/index.html", "<html>desk</html>");
        write("dist/assets/app-1a2b.js", "let a");
        write("dist/assets/app-1a2b.js.gz", "packed");
        write("dist/.hidden", "no");
        fs::create_symlink(folder_ / "secret.txt", folder_ / "dist/link.txt");
    }
    ~StaticPagesTest() override { fs::remove_all(folder_); }
    void write(const std::string& name, const std::string& content) {
        fs::create_directories((folder_ / name).parent_path());
        std::ofstream(folder_ / name) << content;
    }
    Response get(StaticPages& pages, const std::string& target, std::vector<Header> headers = {}) {
        Request request;
        request.headers = std::move(headers);
        if (!request.set_target(target)) return Response::empty(400);
        return pages.answer(request);
    }
    static std::string header(const Response& response, std::string_view name) {
        for (const Header& h : response.headers)
            if (h.name == name) return h.value;
        return {};
    }
    fs::path folder_;
};

TEST_F(StaticPagesTest, NothingOutsideTheFolderIsEverRead) {
    // Somebody fetches the master key of the site through the page's address.
    StaticPages pages(folder_ / "dist");
    for (const char* target :
         {"/../secret.txt", "/%2e%2e/secret.txt", "/assets/../../secret.txt", "/..%2fsecret.txt", "/link.txt",
          "/.hidden", "//etc/passwd", "/assets", "/assets/", "/./index.html", "/..\\secret.txt", "/nothing.html"})
        EXPECT_EQ(get(pages, target).status, 404) << target;
}

TEST_F(StaticPagesTest, PagesAreAskedAgainAndAssetsAreKept) {
    // After an update the desk still shows the old page, or loads half a megabyte each morning.
    StaticPages pages(folder_ / "dist");
    const Response page = get(pages, "/");
    EXPECT_EQ(page.status, 200);
    EXPECT_EQ(*page.body, "<html>desk</html>");
    EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
    EXPECT_EQ(header(page, "Cache-Control"), "no-cache");
    EXPECT_NE(header(page, "Content-Security-Policy").find("default-src 'self'"), std::string::npos);
    const Response same = get(pages, "/", {{"if-none-match", header(page, "ETag")}});
    EXPECT_EQ(same.status, 304);
    EXPECT_FALSE(same.body);
    EXPECT_EQ(header(get(pages, "/assets/app-1a2b.js"), "Cache-Control"), "public, max-age=31536000, immutable");
    write("dist/index.html", "<html>new desk</html>");
    EXPECT_EQ(get(pages, "/", {{"if-none-match", header(page, "ETag")}}).status, 200);
}

TEST_F(StaticPagesTest, APackedFileIsServedToThoseWhoUnpackIt) {
    // A script gets compressed bytes that it did not ask for.
    StaticPages pages(folder_ / "dist");
    const Response packed = get(pages, "/assets/app-1a2b.js", {{"accept-encoding", "br, gzip"}});
    EXPECT_EQ(*packed.body, "packed");
    EXPECT_EQ(header(packed, "Content-Encoding"), "gzip");
    EXPECT_EQ(packed.content_type, "text/javascript; charset=utf-8");
    EXPECT_EQ(*get(pages, "/assets/app-1a2b.js").body, "let a");
    EXPECT_EQ(*get(pages, "/assets/app-1a2b.js", {{"accept-encoding", "gzip;q=0"}}).body, "let a");
}

TEST_F(StaticPagesTest, WithoutPagesTheRootSaysSo) {
    // A fresh installation answers with an empty window.
    StaticPages pages(folder_ / "nowhere");
    const Response page = get(pages, "/");
    EXPECT_EQ(page.status, 200);
    EXPECT_NE(page.body->find("not built"), std::string::npos);
    EXPECT_EQ(get(pages, "/index2.html").status, 404);
}

}  // namespace
}  // namespace prewatt::server::api
