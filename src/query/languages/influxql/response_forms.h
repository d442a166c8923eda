// The forms behind make_response().
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "query/languages/influxql/response.h"

namespace campanile::query::influxql {

std::unique_ptr<ResultSink> make_json_response(const ResponseOptions& options, EmitPiece emit);
std::unique_ptr<ResultSink> make_csv_response(const ResponseOptions& options, EmitPiece emit);
std::unique_ptr<ResultSink> make_msgpack_response(const ResponseOptions& options, EmitPiece emit);
std::string msgpack_error(std::string_view message);
std::string csv_error(std::string_view message);

}  // namespace campanile::query::influxql
