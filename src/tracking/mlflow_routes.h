// Each of MLflow's endpoints lives twice: under /api for clients and, identically, under /ajax-api for a browser. One line here makes both.
#pragma once
#include "net/router.h"

namespace pawl::tracking {

struct MlflowRoutes {
  net::Router& at;
  std::string version = "2.0";
  // `path` begins behind the version: "/mlflow/runs/create".
  template <class F> void add(net::Route route, F handler) {
    route.dialect = net::Dialect::mlflow;
    auto browser = route;
    route.path = "/api/" + version + route.path;
    at.add(std::move(route), handler);
    browser.path = "/ajax-api/" + version + browser.path;
    at.add(std::move(browser), handler);
  }
  template <class F> void browser_only(net::Route route, F handler) {
    route.dialect = net::Dialect::mlflow;
    route.path = "/ajax-api/" + version + route.path;
    at.add(std::move(route), handler);
  }
};

}  // namespace pawl::tracking
