// Writes one of three made-up data sets to a /write of line protocol, the same bytes for every server, and says how fast that was.
//
//   c++ -O2 -std=c++20 -pthread bench/line_load.cc -o line_load
//   line_load 127.0.0.1 8086 "/write?db=bench" power 1000 3000 [PID [USER:PASSWORD-in-base64 [FIRST]]]
//
// Data sets, each of so many series with so many points ten seconds apart, in the order of time:
//   power   one field with one decimal, a random walk of up to ten steps either way: its steps have no pattern to be found, 4.39 bits each
//   fleet   seven fields with two decimals, each a random walk of up to a hundred steps either way: 7.65 bits each
//   rooms   a temperature with two decimals that moves smoothly, a counter, and a switch: what a building sends
// Bodies of 5,000 lines are made before the clock starts, and sent over two connections, each waiting for its answer. Prints one line of JSON; with the server's process
// number (0: none) also the processor time that it took. FIRST is the number of the first point: what is too much for memory at once is written in pieces.

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr size_t kConnections = 2;
constexpr long kLinesPerBody = 5'000;
constexpr long kStart = 1'700'000'000;
constexpr long kStep = 10;

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "line_load: %s\n", why.c_str());
  std::exit(1);
}

struct Options {
  std::string host, path, data_set, credentials;
  int port = 0;
  long series = 0, points = 0, first_point = 0;
  int pid = 0;
};

class DataSet {
 public:
  explicit DataSet(const Options& options) : kind_(options.data_set), series_(static_cast<size_t>(options.series)) {
    if (kind_ != "power" && kind_ != "fleet" && kind_ != "rooms") give_up("no data set is called " + kind_ + "; they are power, fleet and rooms");
    for (Series& each : series_) {
      for (double& value : each.values) value = 20 + static_cast<double>(below(2000)) / 100;
      each.phase = static_cast<double>(below(8640));
    }
  }
  int fields() const { return kind_ == "power" ? 1 : kind_ == "fleet" ? 7 : 3; }

  // The next line of the series, without its time.
  std::string line(size_t number, long point) {
    if (kind_ == "power") return power(number);
    return kind_ == "fleet" ? fleet(number) : room(number, point);
  }

 private:
  struct Series {
    double values[7];
    double phase = 0;
    double drift = 0;
    long counter = 0;
    bool is_on = false;
  };
  long below(long end) { return static_cast<long>(random_() % static_cast<unsigned long>(end)); }
  double step(long steps) { return static_cast<double>(below(2 * steps + 1) - steps); }
  static std::string text(const char* format, double value) {
    char out[64];
    std::snprintf(out, sizeof out, format, value);
    return out;
  }

  std::string power(size_t number) {
    double& value = series_[number].values[0];
    value += step(10) / 10;
    const std::string place = std::to_string(number / 8);
    return "sensors,location=rack-" + place + ",sensor=rack-" + place + "_meter-Z1." + std::to_string(number) + ",sensor_type=wattmeter,unit=W value=" + text("%.1f", value);
  }

  std::string fleet(size_t number) {
    static constexpr const char* kNames[] = {"latitude", "longitude", "elevation", "velocity", "heading", "grade", "fuel_consumption"};
    std::string out = "readings,name=truck_" + std::to_string(number) + ",fleet=South,driver=Trish,model=H-2,device_version=v2.3 ";
    for (int field = 0; field < 7; ++field) {
      double& value = series_[number].values[field];
      value += step(100) / 100;
      out += (field == 0 ? "" : ",") + std::string(kNames[field]) + "=" + text("%.2f", value);
    }
    return out;
  }

  std::string room(size_t number, long point) {
    Series& room = series_[number];
    if (below(200) == 0) room.is_on = !room.is_on;
    // A slow drift after the heating, and the day.
    room.drift += (static_cast<double>(room.is_on) * 2 - 1 - room.drift) / 400 + step(3) / 1000;
    const double day = std::sin((static_cast<double>(point * kStep) / 10 + room.phase) / 8640 * 6.283185307);
    if (room.is_on) room.counter += below(4);
    return "room,building=u" + std::to_string(number / 100) + ",room=" + std::to_string(number) + " temperature=" + text("%.2f", 21 + room.drift + 1.5 * day) +
           ",energy=" + std::to_string(room.counter) + "i,heating=" + (room.is_on ? "true" : "false");
  }

  const std::string kind_;
  std::vector<Series> series_;
  std::mt19937 random_{42};
};

struct Bodies {
  std::vector<std::string> requests;
  std::string body;
  long lines = 0;
};

void finish(Bodies& bodies, const Options& options) {
  if (bodies.lines == 0) return;
  std::string head = "POST " + options.path + " HTTP/1.1\r\nHost: " + options.host + "\r\nContent-Type: text/plain\r\n";
  if (!options.credentials.empty()) head += "Authorization: Basic " + options.credentials + "\r\n";
  bodies.requests.push_back(head + "Content-Length: " + std::to_string(bodies.body.size()) + "\r\n\r\n" + bodies.body);
  bodies.body.clear();
  bodies.lines = 0;
}

std::vector<Bodies> make_bodies(const Options& options, DataSet& data) {
  std::vector<Bodies> all(kConnections);
  for (long point = options.first_point; point < options.first_point + options.points; ++point) {
    for (size_t number = 0; number < static_cast<size_t>(options.series); ++number) {
      Bodies& bodies = all[number % kConnections];
      bodies.body += data.line(number, point) + " " + std::to_string(kStart + point * kStep) + "000000000\n";
      if (++bodies.lines == kLinesPerBody) finish(bodies, options);
    }
  }
  for (Bodies& bodies : all) finish(bodies, options);
  return all;
}

int connect_to(const Options& options) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(options.port));
  inet_pton(AF_INET, options.host.c_str(), &address.sin_addr);
  const int connection = socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(connection, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) give_up("cannot connect to port " + std::to_string(options.port));
  return connection;
}

void receive(int connection, std::string& input) {
  char buffer[65536];
  const ssize_t got = recv(connection, buffer, sizeof buffer, 0);
  if (got <= 0) give_up("the server closed the connection: " + input.substr(0, 400));
  input.append(buffer, static_cast<size_t>(got));
}

void expect_good_answer(int connection, std::string& input) {
  size_t head_end;
  while ((head_end = input.find("\r\n\r\n")) == std::string::npos) receive(connection, input);
  const std::string head = input.substr(0, head_end);
  const char* const length = strcasestr(head.c_str(), "content-length:");
  const size_t size = head_end + 4 + (length ? std::strtoul(length + 15, nullptr, 10) : 0);
  while (input.size() < size) receive(connection, input);
  if (head.size() < 10 || head[9] != '2') give_up("refused: " + input.substr(0, 400));
  input.erase(0, size);
}

void send_all(const Options& options, const std::vector<std::string>& requests) {
  const int connection = connect_to(options);
  std::string input;
  for (const std::string& request : requests) {
    for (size_t sent = 0; sent < request.size();) {
      const ssize_t more = send(connection, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
      if (more <= 0) give_up("the server closed the connection");
      sent += static_cast<size_t>(more);
    }
    expect_good_answer(connection, input);
  }
  close(connection);
}

// User and system time of a process, from /proc.
double cpu_seconds(int pid) {
  if (pid == 0) return 0;
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string stat;
  std::getline(file, stat);
  long user = 0, system = 0;
  std::sscanf(stat.c_str() + stat.rfind(')') + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &user, &system);
  return static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 7) give_up("use: line_load HOST PORT PATH power|fleet|rooms SERIES POINTS [PID [CREDENTIALS [FIRST]]]");
  Options options{.host = arguments[1], .path = arguments[3], .data_set = arguments[4], .credentials = count > 8 ? arguments[8] : "", .port = std::atoi(arguments[2])};
  options.series = std::atol(arguments[5]);
  options.points = std::atol(arguments[6]);
  options.pid = count > 7 ? std::atoi(arguments[7]) : 0;
  options.first_point = count > 9 ? std::atol(arguments[9]) : 0;
  DataSet data(options);
  const std::vector<Bodies> bodies = make_bodies(options, data);
  const double cpu_before = cpu_seconds(options.pid);
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (const Bodies& each : bodies) threads.emplace_back([&options, &each] { send_all(options, each.requests); });
  for (std::thread& thread : threads) thread.join();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const long lines = options.series * options.points;
  std::printf("{\"lines\": %ld, \"values\": %ld, \"seconds\": %.3f, \"lines_per_s\": %.0f, \"cpu_us_per_line\": %.3f}\n", lines, lines * data.fields(), seconds,
              static_cast<double>(lines) / seconds, (cpu_seconds(options.pid) - cpu_before) / static_cast<double>(lines) * 1e6);
}
