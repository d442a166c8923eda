#include "app/cli/command_line.h"
#include "app/serve.h"

int main(int argc, char** argv) {
  return campanile::app::run_command_line({argv + (argc > 0 ? 1 : 0), argv + argc}, {.serve = campanile::app::serve_command});
}
