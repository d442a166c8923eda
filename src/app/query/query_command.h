// `campanile query`: asks a running server and shows the answer.
//
//   return query_command({.config = config, .text = "SELECT mean(value) FROM data", .form = QueryForm::kTable});
//
// Exit codes: 0; 1 where the server cannot be asked, or the query fails. The answer goes to standard output, errors to standard error.
// Threads: called once, from main().
#pragma once

#include <string>

#include "app/config/config.h"

namespace campanile::app {

enum class QueryForm { kTable, kCsv, kJson, kSparkline, kChart };

struct QueryArguments {
  Config config;     // says where the server is, its accounts and its first database
  std::string user;  // whose password the configuration knows; empty: the first account there is
  std::string text;  // "-": what comes over standard input
  std::string database;
  std::string retention_policy;
  bool uses_tiers = true;
  QueryForm form = QueryForm::kTable;
};

int query_command(const QueryArguments& arguments);

}  // namespace campanile::app
