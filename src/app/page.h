// The web page: embedded in the binary, or from a folder while one works on it.
#pragma once
#include "net/router.h"

namespace pawl::app {

// Files of web/dist are served as they lie: a path P is answered by `P.gz` to who takes gzip. Paths without a file and without a dot are the
// page's own routes and get index.html.
void mount_page(net::Router& at, std::filesystem::path web_dir);

}  // namespace pawl::app
