// How much RAM the objects of a meter and of a shared reader take. Compiled, never linked: firmware/report.py reads the
// sizes of these arrays.
#include "meter/core/journal.hpp"
#include "meter/metrology/metering.hpp"
#include "meter/metrology/overcurrent.hpp"
#include "meter/metrology/pulses.hpp"
#include "meter/metrology/step_detector.hpp"
#include "meter/node/box.hpp"
#include "meter/node/card_swipe.hpp"
#include "meter/node/management_processor.hpp"
#include "meter/node/metering_processor.hpp"
#include "meter/node/node.hpp"
#include "meter/node/retained_memory.hpp"
#include "meter/node/server.hpp"
#include "reader/shared_reader.hpp"

#define SIZE_IN(room, type)                                      \
    extern "C" char size_of_##type[sizeof(prewatt::room::type)]; \
    char size_of_##type[sizeof(prewatt::room::type)]
#define SIZE_OF(type) SIZE_IN(meter, type)

SIZE_OF(Node);
SIZE_OF(MeteringProcessor);
SIZE_OF(ManagementProcessor);
SIZE_OF(RetainedMemory);
SIZE_OF(StepDetector);
SIZE_OF(OvercurrentWatch);
SIZE_OF(PulseBank);
SIZE_OF(MeteringWindow);
SIZE_OF(Box);
SIZE_OF(CardSwipe);
SIZE_OF(Server);
SIZE_OF(Journal);
SIZE_OF(Metering);
SIZE_OF(Measurement);
SIZE_OF(SampleBlock);
SIZE_IN(reader, SharedReader);
