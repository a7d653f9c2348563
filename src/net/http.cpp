#include "net/client.h"
#include "net/command.h"
#include "net/router.h"
#include "net/server.h"
struct A1 { std::string x{}; static constexpr auto fields = std::tuple{pawl::field("x", &A1::x)}; };
void demo(pawl::net::Router& r);
void demo(pawl::net::Router& r) {
  r.add({.method = pawl::net::Method::GET, .path = "/x", .needs = pawl::May::read, .on = pawl::On::reader, .about = ""}, [](pawl::Call&, const A1& in) -> pawl::Result<A1> { return in; });
}
